import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { balanceOf } from './support/balance.js';
import { startMuster, type Muster } from './support/muster.js';
import { untilFollowed } from './support/policy.js';

let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  muster = await startMuster();
  admin = await startAdmin(muster);
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

const HEADERS = { headers: { authorization: 'Bearer wk_dcos' } };

const native = (installationId: string, event = 'deletion_request') => ({
  ...{ installationId, product: 'dcos', event },
  properties: { 'health-unit-a-total': 1, 'health-unit-a-unhealthy': 0 },
});

async function erasuresOf(id: string): Promise<{ state: string; mode: string }[]> {
  const { json } = await admin.ask('GET', `/v1/erasures?installationId=${id}`);
  return json.erasures;
}

async function heldOf(id: string): Promise<number> {
  const { json } = await admin.ask('GET', `/v1/installations/${id}`);
  return Object.values(json.rows as Record<string, number>).reduce((sum, rows) => sum + rows, 0);
}

test('if the product does not allow it, a deletion request is an unknown event', async () => {
  const id = randomUUID();
  await muster.post('/v1/events', native(id), HEADERS);
  await muster.drained();
  const rows = await muster.analyst(
    'SELECT reason FROM fleet.quarantined_events WHERE installation_id = $1',
    [id],
  );
  expect(rows).toEqual([{ reason: 'unknown_event' }]);
  expect(await erasuresOf(id)).toEqual([]);
});

describe('if the product allows self-erasure', () => {
  beforeAll(async () => {
    await admin.ask('PATCH', '/v1/products/dcos', { selfErasure: true });
    await untilFollowed(muster);
  });

  test.each<[string, string, (id: string) => object]>([
    ['Muster’s own dialect', '/v1/events', native],
    [
      'Segment’s dialect',
      '/v1/track',
      (clusterId) => ({
        event: 'deletion_request',
        messageId: randomUUID(),
        properties: { clusterId },
      }),
    ],
    [
      'PostHog’s dialect',
      '/capture',
      (distinct_id) => ({ event: 'deletion_request', distinct_id, properties: {} }),
    ],
  ])('an installation is erased when it requests it in %s', async (_, path, request) => {
    const id = randomUUID();
    await muster.post('/v1/events', native(id, 'health'), HEADERS);
    await muster.drained();
    expect(await heldOf(id)).toBeGreaterThan(0);
    const before = await balanceOf(muster.analyst);
    expect((await muster.post(path, request(id), HEADERS)).status).toBeLessThan(300);
    await vi.waitFor(
      async () =>
        expect(await erasuresOf(id)).toMatchObject([
          { mode: 'erase_and_suppress', state: 'complete' },
        ]),
      10_000,
    );
    expect(await heldOf(id)).toBe(0);
    const after = await balanceOf(muster.analyst);
    expect(after.suppressed - before.suppressed).toBe(1);

    await muster.post('/v1/events', native(id, 'health'), HEADERS);
    await muster.post(path, request(id), HEADERS);
    await muster.drained();
    expect(await heldOf(id)).toBe(0);
    expect(await erasuresOf(id)).toHaveLength(1);
  });

  test('repeated requests create one erasure with one audit entry', async () => {
    await muster.addWorker();
    await untilFollowed(muster);
    const id = randomUUID();
    const [before] = await muster.owner('SELECT max(audit_id) AS last FROM audit_log');
    await Promise.all(
      Array.from({ length: 8 }, () => muster.post('/v1/events', native(id), HEADERS)),
    );
    await muster.drained();
    expect(await erasuresOf(id)).toHaveLength(1);
    const acts = await muster.owner(
      `SELECT actor, act, outcome, length(installation_hash) AS bytes, detail->>'mode' AS mode
         FROM audit_log WHERE audit_id > $1 AND actor = 'installation'`,
      [before?.last],
    );
    expect(acts).toEqual([
      {
        ...{ actor: 'installation', act: 'erasure.request', outcome: 'done', bytes: 32 },
        mode: 'erase_and_suppress',
      },
    ]);
  });
});
