import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { startMuster, type Muster } from './support/muster.js';

let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  muster = await startMuster();
  admin = await startAdmin(muster);
  const event = { installationId: randomUUID(), product: 'dcos', event: 'health', properties: {} };
  const headers = { authorization: 'Bearer wk_dcos' };
  const { status } = await muster.post('/v1/events', [event, event], { headers });
  expect(status).toBe(202);
  await muster.drained();
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

const balance = async (query = '') => (await admin.ask('GET', `/v1/balance${query}`)).json;

test('the balance reports every fate of the view, and their sum equals the accepted events', async () => {
  const { hours, ...verdict } = await balance();
  expect(verdict).toEqual({ isBalanced: true, alert: false, hoursOutOfBalance: 0 });
  const columns = await muster.owner(
    `SELECT column_name AS name FROM information_schema.columns
      WHERE table_schema = 'fleet' AND table_name = 'ingest_balance'
        AND column_name NOT IN ('product', 'hour', 'accepted', 'unaccounted',
                              'acknowledged', 'queued', 'lost')`,
  );
  expect(Object.keys(hours[0].fates).sort()).toEqual(columns.map(({ name }) => name).sort());
  const sum = Object.values(hours[0].fates as Record<string, number>).reduce((a, b) => a + b);
  expect(hours[0]).toMatchObject({ product: 'dcos', accepted: 2, difference: 0 });
  expect(sum).toBe(2);
});

test('an event without a fate raises the alert, even if its hour is not on the page', async () => {
  await muster.owner(
    `INSERT INTO ingest_tally (product, hour, shard, accepted, stored, duplicate, quarantined, suppressed, empty)
     VALUES ('resoto', date_trunc('hour', now()) - interval '5 hours', 0, 7, 4, 0, 0, 0, 0)`,
  );
  const alarm = { isBalanced: false, alert: true, hoursOutOfBalance: 1 };
  const { hours, ...verdict } = await balance();
  expect(verdict).toEqual(alarm);
  expect(hours).toMatchObject([{ product: 'dcos' }, { product: 'resoto', difference: 3 }]);
  const { hours: shown, ...again } = await balance('?limit=1');
  expect(shown).toHaveLength(1);
  expect(again).toEqual(alarm);
});

test('the balance can be filtered by product and time', async () => {
  const from = new Date(Date.now() - 3 * 3_600_000).toISOString();
  expect(await balance('?product=dcos')).toMatchObject({ isBalanced: true });
  expect(await balance('?product=resoto')).toMatchObject({ alert: true });
  expect(await balance(`?product=resoto&from=${from}`)).toMatchObject({ alert: false, hours: [] });
  expect(await balance(`?product=resoto&to=${from}`)).toMatchObject({ alert: true });
});

test.each([
  ['from', 'yesterday'],
  ['to', '2026-02-30T00:00:00Z'],
  ['from', '2026-W01'],
  ['product', '%00'],
  ['limit', '0'],
  ['limit', '1&limit=2'],
])('an invalid %s gets 400 with the path of the parameter', async (path, value) => {
  const { status, json } = await admin.ask('GET', `/v1/balance?${path}=${value}`);
  expect({ status, code: json.code, path: json.path }).toEqual({
    status: 400,
    code: 'invalid_request',
    path,
  });
});
