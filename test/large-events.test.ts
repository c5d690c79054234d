import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAdmin } from './support/admin.js';
import { balanceOf } from './support/balance.js';
import { startMuster, type Muster } from './support/muster.js';

const MARK = 'markedpayload';
const LIMIT = 1_048_576;

let muster: Muster;

beforeAll(async () => {
  muster = await startMuster();
});

afterAll(() => muster.stop());

const keyOf = (product: string) => ({ authorization: `Bearer wk_${product}` });

async function ask(query: string, id: string) {
  await muster.drained();
  return muster.analyst(query, [id]);
}

const track = (installationId: string, event: string, properties: object) => ({
  ...{ type: 'track', event, anonymousId: installationId, messageId: randomUUID() },
  properties: { clusterId: installationId, ...properties },
});

describe('a large event', () => {
  test('is stored, like the report of a cluster with 2,500 frameworks from dcos-signal', async () => {
    const id = randomUUID();
    const frameworks = Array.from({ length: 2500 }, (_, at) => ({ name: `spark-driver-${at}` }));
    const event = track(id, 'mesos_track', { cpu_total: 40_000, frameworks });
    const { status } = await muster.post(
      '/v1/batch',
      { batch: [event] },
      { headers: keyOf('dcos') },
    );
    expect(status).toBe(200);
    expect(
      await ask('SELECT cpu_total FROM fleet.resource_readings WHERE installation_id = $1', id),
    ).toEqual([{ cpu_total: 40_000 }]);
    const [row] = await ask(
      `SELECT count(*)::int AS frameworks FROM fleet.framework_readings WHERE installation_id = $1`,
      id,
    );
    expect(row).toEqual({ frameworks: 2500 });
  });

  test('is stored up to the limit, and does not delay others', async () => {
    const id = randomUUID();
    const units = Object.fromEntries(
      Array.from({ length: 9_000 }, (_, at) => [`health-unit-dcos-unit-${at}-service-total`, 3]),
    );
    const unhealthy = Object.fromEntries(
      Object.keys(units).map((unit) => [unit.replace(/-total$/, '-unhealthy'), 1]),
    );
    const event = { ...track(id, 'health', { ...units, ...unhealthy }), padding: '' };
    const bytes = Buffer.byteLength(JSON.stringify(event));
    event.padding = 'x'.repeat(LIMIT - bytes);
    const batch = [event, track(id, 'health', { 'health-unit-a-total': 1 })];
    const { status } = await muster.post('/v1/batch', { batch }, { headers: keyOf('dcos') });
    expect(status).toBe(200);
    const [row] = await ask(
      `SELECT count(*)::int AS units FROM fleet.health_readings WHERE installation_id = $1`,
      id,
    );
    expect(row!.units).toBeGreaterThanOrEqual(9_000);
  });
});

const padding = `${MARK}${'x'.repeat(LIMIT)}`;

const native = (installationId: string, id: string = randomUUID()) => ({
  ...{ id, installationId, product: 'dcos', event: 'health', version: '2.1.0' },
  properties: { padding },
});
const capture = (distinct_id: string) => ({
  ...{ event: 'model.info', distinct_id, uuid: randomUUID(), properties: { padding } },
});

describe('an event that is too large is counted and quarantined with its installation', () => {
  test.each([
    ['dcos', '/v1/events', 413, (id: string) => native(id)],
    ['dcos', '/v1/reports', 413, (id: string) => ({ clusterId: id, padding })],
    ['dcos', '/v1/batch', 200, (id: string) => ({ batch: [track(id, 'health', { padding })] })],
    ['dcos', '/v1/track', 200, (id: string) => track(id, 'health', { padding })],
    ['resoto', '/batch', 200, (id: string) => ({ batch: [capture(id)] })],
    ['resoto', '/capture', 200, (id: string) => capture(id)],
    ['resoto', '/i/v1/analytics/events', 200, (id: string) => ({ batch: [capture(id)] })],
    ['octopus', '/api/telemetry/ID/2026-11-20', 413, () => ({ padding })],
  ])('alone, sent for %s to %s, with status %s', async (product, path, expected, bodyOf) => {
    const id = randomUUID();
    const before = await balanceOf(muster.analyst, product);
    const address = path.replace('ID', id);
    const { status } = await muster.post(address, bodyOf(id), { headers: keyOf(product) });
    expect(status).toBe(expected);
    expect(
      await ask(
        `SELECT product, reason, event_count::int AS count FROM fleet.quarantined_events
          WHERE installation_id = $1`,
        id,
      ),
    ).toEqual([{ product, reason: 'event_too_large', count: 1 }]);
    const after = await balanceOf(muster.analyst, product);
    expect(after.quarantined - before.quarantined).toBe(1);
    expect(after.accepted - before.accepted).toBe(1);
    const kept = await muster.owner(
      'SELECT envelope::text AS text FROM original_event WHERE installation_id = $1',
      [id],
    );
    expect(JSON.stringify(kept)).not.toContain(MARK);
  });

  test('in a batch, and does not affect the others', async () => {
    const [large, small] = [randomUUID(), randomUUID()];
    const unit = { 'health-unit-a-total': 1, 'health-unit-a-unhealthy': 0 };
    const lines = [native(large), { ...native(small), properties: unit }];
    const { status, json } = await muster.post(
      '/v1/events',
      lines.map((line) => JSON.stringify(line)).join('\n'),
      { headers: { ...keyOf('dcos'), 'content-type': 'application/x-ndjson' } },
    );
    expect({ status, accepted: json.accepted }).toEqual({ status: 202, accepted: 1 });
    const reasons = 'SELECT reason FROM fleet.quarantined_events WHERE installation_id = $1';
    expect(await ask(reasons, large)).toEqual([{ reason: 'event_too_large' }]);
    expect(await ask('SELECT kind FROM fleet.reports WHERE installation_id = $1', small)).toEqual([
      { kind: 'health' },
    ]);
  });

  test('once, however often it is sent, until the installation is erased', async () => {
    const id = randomUUID();
    const event = native(id);
    for (let time = 0; time < 3; time += 1) {
      expect((await muster.post('/v1/events', event, { headers: keyOf('dcos') })).status).toBe(413);
    }
    const count = `SELECT count(*)::int AS count FROM fleet.quarantined_events WHERE installation_id = $1`;
    expect(await ask(count, id)).toEqual([{ count: 1 }]);
    const admin = await startAdmin(muster);
    expect((await admin.ask('DELETE', `/v1/installations/${id}`)).status).toBe(202);
    await expect.poll(() => ask(count, id), { timeout: 20_000 }).toEqual([{ count: 0 }]);
    await muster.post('/v1/events', native(id), { headers: keyOf('dcos') });
    expect(await ask(count, id)).toEqual([{ count: 0 }]);
    await admin.stop();
  });
});
