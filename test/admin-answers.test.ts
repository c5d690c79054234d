import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { adminDocument } from './support/admin-routes.js';
import { flawsOf } from './support/answers.js';
import { startMuster, type Muster } from './support/muster.js';

let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true, writeKeys: { acme: 'wk_acme', dcos: 'wk_dcos' } });
  admin = await startAdmin(muster);
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

/**
 * Sends a request and expects this status, with a response that matches the reference.
 * @param template the path as in the reference
 */
async function expectResponse(method: string, template: string, status: number, more: More = {}) {
  const { id = '', query = '', body } = more;
  const answer = await admin.ask(method, template.replace(/\{\w+\}/, id) + query, body);
  const flaws = flawsOf(adminDocument, { method, path: template }, answer);
  expect([method, template, answer.status, flaws]).toEqual([method, template, status, []]);
  return answer.json;
}

interface More {
  id?: string;
  query?: string;
  body?: object;
}

test('responses about write keys match the reference', async () => {
  const body = { product: 'dcos', name: 'of a test' };
  const { key } = await expectResponse('POST', '/v1/keys', 201, { body });
  const { id } = key as { id: string };
  await expectResponse('POST', '/v1/keys', 400, { body: {} });
  await expectResponse('POST', '/v1/keys/{id}/rotate', 201, { id });
  await expectResponse('POST', '/v1/keys/{id}/rotate', 409, { id });
  await expectResponse('POST', '/v1/keys/{id}/rotate', 404, { id: randomUUID() });
  await expectResponse('DELETE', '/v1/keys/{id}', 200, { id });
  await expectResponse('GET', '/v1/keys', 200, { query: '?product=dcos' });
  await expectResponse('GET', '/v1/keys', 400, { query: '?product=D' });
});

test('responses about products and blocks match the reference', async () => {
  const limits = { eventsPerMinutePerKey: null, eventsPerMinutePerInstallation: 60 };
  const body = { limits, retentionDays: null };
  await expectResponse('PATCH', '/v1/products/{product}', 200, { id: 'dcos', body });
  await expectResponse('PATCH', '/v1/products/{product}', 404, { id: 'nothing', body });
  await expectResponse('GET', '/v1/products', 200);
  const block = { product: 'dcos', event: 'nothing_of_the_kind' };
  const { block: made } = await expectResponse('POST', '/v1/blocks', 201, { body: block });
  await expectResponse('POST', '/v1/blocks', 409, { body: block });
  await expectResponse('GET', '/v1/blocks', 200);
  await expectResponse('DELETE', '/v1/blocks/{id}', 200, { id: (made as { id: string }).id });
});

test('responses about tokens, the audit log and maintenance match the reference', async () => {
  const body = { name: 'another', scopes: ['operations:read'], days: 1 };
  await expectResponse('POST', '/v1/tokens', 201, { body });
  await expectResponse('POST', '/v1/tokens', 409, { body });
  await expectResponse('DELETE', '/v1/tokens/{name}', 200, { id: 'another' });
  await expectResponse('GET', '/v1/tokens', 200);
  await expectResponse('GET', '/v1/audit', 200, { query: '?limit=1' });
  await expectResponse('GET', '/v1/audit', 400, { query: '?after=first' });
  await expectResponse('GET', '/v1/housekeeping', 200);
});

test('responses about the quarantine match the reference', async () => {
  const event = { product: 'acme', event: 'yearly', properties: { projects: 7 } };
  const sent = { ...event, id: randomUUID(), installationId: randomUUID() };
  const headers = { authorization: 'Bearer wk_acme' };
  expect(await muster.post('/v1/events', sent, { headers })).toMatchObject({ status: 202 });
  await muster.drained();
  const { events } = await expectResponse('GET', '/v1/quarantine', 200, { query: '?limit=1' });
  const { id } = events[0] as { id: string };
  await expectResponse('GET', '/v1/quarantine/{id}', 200, { id });
  await expectResponse('GET', '/v1/quarantine/summary', 200);
  await expectResponse('GET', '/v1/quarantine/summary', 200, { query: '?by=version,event' });
  await expectResponse('GET', '/v1/quarantine/summary', 400, { query: '?by=product,product' });
  const body = { filter: { product: 'acme', from: '2026-01-01T00:00:00Z' } };
  const { job } = await expectResponse('POST', '/v1/quarantine/replays', 202, { body });
  await expectResponse('POST', '/v1/quarantine/discards', 202, { body });
  await expectResponse('POST', '/v1/quarantine/discards', 400, { body: {} });
  await expectResponse('GET', '/v1/quarantine/jobs/{id}', 200, { id: (job as { id: string }).id });
  await expectResponse('GET', '/v1/quarantine/jobs', 200);
});

test('responses about erasures and installations match the reference', async () => {
  const ids = { installationIds: [randomUUID()] };
  const suppress = { mode: 'suppress', ...ids };
  const { erasure } = await expectResponse('POST', '/v1/erasures', 202, { body: suppress });
  const { id } = erasure as { id: string };
  await expectResponse('POST', '/v1/erasures', 202, { query: '?dryRun=true', body: ids });
  await expectResponse('POST', '/v1/erasures', 400, { query: '?dryRun=ture', body: ids });
  await expectResponse('POST', '/v1/erasures', 400, { body: { installationIds: [] } });
  await expectResponse('GET', '/v1/erasures', 200);
  await expectResponse('GET', '/v1/erasures', 400, { query: '?limit=no' });
  await expectResponse('GET', '/v1/erasures/{id}', 200, { id });
  await expect
    .poll(async () => (await admin.ask('GET', `/v1/erasures/${id}`)).json.erasure.state)
    .toBe('complete');
  await expectResponse('GET', '/v1/erasures/{id}/certificate', 200, { id });
  const installation = '/v1/installations/{installationId}';
  await expectResponse('DELETE', installation, 202, { id: ids.installationIds[0]! });
  await expectResponse('GET', installation, 200, { id: ids.installationIds[0]! });
  await expectResponse('GET', installation, 400, { id: 'unknown' });
});

test('responses about the queue and the balance match the reference', async () => {
  await muster.owner(
    `INSERT INTO ingest_tally (product, hour, shard, accepted, stored, duplicate, quarantined, suppressed, empty)
     VALUES ('dcos', date_trunc('hour', now()), 0, 1, 1, 0, 0, 0, 0)`,
  );
  await expectResponse('GET', '/v1/balance', 200);
  await muster.queue.add('batch', { envelopes: 'unreadable' });
  await expect.poll(() => muster.queue.getFailedCount()).toBe(1);
  await expectResponse('GET', '/v1/queue', 200);
  await expectResponse('GET', '/v1/queue/failed', 200);
  await expectResponse('POST', '/v1/queue/failed/retry', 200, { body: {} });
});
