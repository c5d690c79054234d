import { randomUUID } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { balanceOf } from './support/balance.js';
import { startMuster, type Muster } from './support/muster.js';
import { untilFollowed } from './support/policy.js';

let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true, workers: 0 });
  admin = await startAdmin(muster);
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

const HEADERS = { headers: { authorization: 'Bearer wk_dcos' } };
const properties = { 'health-unit-a-total': 1, 'health-unit-a-unhealthy': 0 };

const native = (installationId: string, version: string, event = 'health') => ({
  ...{ installationId, product: 'dcos', event, version, properties },
});

const track = (clusterId: string, environmentVersion: string) => ({
  ...{ event: 'health', anonymousId: clusterId, messageId: randomUUID() },
  properties: { ...properties, clusterId, environmentVersion },
});

async function waiting(): Promise<string> {
  const jobs = await muster.queue.getJobs(['waiting']);
  const texts = jobs.map(({ data }) => inflateRawSync(Buffer.from(data.envelopes, 'base64')));
  return texts.join();
}

test('blocked events are acknowledged, dropped by ingest and from the queue, and counted', async () => {
  const [queued, dropped, tracked, kept] = Array.from({ length: 4 }, () => randomUUID());
  await muster.post('/v1/events', native(queued!, '1.13.3'), HEADERS);
  const body = { product: 'dcos', event: 'health', version: '1.13.3', note: 'floods us' };
  const made = await admin.ask('POST', '/v1/blocks', body);
  expect(made).toMatchObject({ status: 201, json: { block: { ...body, createdBy: 'root' } } });
  expect((await admin.ask('POST', '/v1/blocks', body)).status).toBe(409);
  await untilFollowed(muster);

  const native2 = [native(dropped!, '1.13.3'), native(kept!, '1.13.4')];
  const answer = await muster.post('/v1/events', native2, HEADERS);
  expect(answer).toMatchObject({ status: 202, json: { accepted: 2, rejected: 0 } });
  const segment = await muster.post('/v1/track', track(tracked!, '1.13.3'), HEADERS);
  expect(segment).toMatchObject({ status: 200, json: { success: true } });
  const shown = await muster.post('/v1/preview', native(dropped!, '1.13.3'), HEADERS);
  expect(shown.json.events).toMatchObject([{ fate: 'blocked', rows: {}, kept: null, dropped: [] }]);

  const jobs = await waiting();
  expect(jobs).toContain(kept);
  expect(jobs).not.toContain(dropped);
  expect(jobs).not.toContain(tracked);
  await muster.addWorker();
  await muster.drained();
  expect(await balanceOf(muster.analyst)).toMatchObject({ accepted: 4, blocked: 3, stored: 1 });
  const stored = await muster.analyst('SELECT DISTINCT installation_id FROM fleet.reports');
  expect(stored).toEqual([{ installation_id: kept }]);
});

test('events are accepted again once their block is removed', async () => {
  const { json } = await admin.ask('GET', '/v1/blocks');
  expect(json.blocks).toHaveLength(1);
  await admin.ask('DELETE', `/v1/blocks/${json.blocks[0].id}`);
  await untilFollowed(muster);
  const id = randomUUID();
  await muster.post('/v1/events', native(id, '1.13.3'), HEADERS);
  await muster.drained();
  const [row] = await muster.analyst(
    'SELECT version FROM fleet.installations WHERE installation_id = $1',
    [id],
  );
  expect(row).toEqual({ version: '1.13.3' });
});

test.each([
  [{ product: 'dcos' }, 'event'],
  [{ product: 'dcoss', event: 'health' }, 'product'],
  [{ product: 'dcos', version: 'the newest one' }, 'version'],
  [{ product: 'dcos', event: 7 }, 'event'],
])('an invalid block %j gets 400 with the reason', async (body, path) => {
  const { status, json } = await admin.ask('POST', '/v1/blocks', body);
  expect({ status, path: json.path }).toEqual({ status: 400, path });
});
