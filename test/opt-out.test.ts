import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { balanceOf } from './support/balance.js';
import { startMuster, type Muster } from './support/muster.js';
import { emptyTables } from './support/tables.js';

/** Recorded requests of Resoto's and PostHog's clients: ten events of one installation. */
const RECORDED = readFileSync('test/fixtures/requests/posthog-node-5.70.0.00.http');
const RECORDED_ID = '7f0d6c3e-9a3d-4b5a-9d7e-0f5a2f1c9b11';
const RECORDED_AT = Date.parse('2026-11-21T05:31:40.210Z');
const HOUR_MS = 3_600_000;

let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  muster = await startMuster({
    keepAlive: true,
    writeKeys: { resoto: 'phc_TEST', dcos: 'wk_dcos', octopus: 'wk_octopus' },
  });
  admin = await startAdmin(muster);
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

beforeEach(async () => {
  await emptyTables(muster.owner);
  await muster.owner('DELETE FROM error_snapshot');
});

const iso = (time: number) => new Date(time).toISOString();

const resoto = (event: string, at: number, properties = {}, distinct_id = RECORDED_ID) => ({
  ...{ event, distinct_id, properties, timestamp: iso(at), uuid: randomUUID() },
});

async function capture(...batch: object[]): Promise<void> {
  const { status } = await muster.post('/batch/', { api_key: 'phc_TEST', batch });
  expect(status).toBe(200);
  await muster.drained();
}

async function replayRecorded(): Promise<void> {
  expect((await muster.replay(RECORDED)).status).toBe(200);
  await muster.drained();
}

/** The product's fates with a count above 0. */
async function fatesOf(product = 'resoto') {
  const { accepted: _, ...fates } = await balanceOf(muster.owner, product);
  return Object.fromEntries(Object.entries(fates).filter(([, count]) => count !== 0));
}

/** The number of rows of an installation's events, for each table that has any. */
async function rowsOf(installationId: string) {
  const tables = ['report', 'resource_reading', 'ui_reading', 'defect', 'quarantined_event'];
  const counts: Record<string, number> = {};
  for (const table of [...tables, 'original_event', 'consent_event']) {
    const [row] = await muster.owner(
      `SELECT count(*)::int AS count FROM ${table} WHERE installation_id = $1`,
      [installationId],
    );
    if (row!.count !== 0) counts[table] = row!.count as number;
  }
  return counts;
}

test.each(['usage-metrics.turned-off', 'opted_out'])(
  'after %s no event of an installation is stored until it opts in again',
  async (name) => {
    await capture(resoto(name, RECORDED_AT - 2 * HOUR_MS));
    await replayRecorded();
    expect(await fatesOf()).toEqual({ stored: 1, opted_out: 10 });
    expect(await rowsOf(RECORDED_ID)).toEqual({ report: 1, consent_event: 1 });
    const [seen] = await muster.owner('SELECT last_seen_at FROM installation');
    expect(seen!.last_seen_at).toEqual(new Date(RECORDED_AT - 2 * HOUR_MS));

    await capture(resoto('opted_in', RECORDED_AT - HOUR_MS));
    await replayRecorded();
    expect(await fatesOf()).toEqual({ stored: 12, opted_out: 10 });
    expect(await muster.owner('SELECT opted_out FROM fleet.installations')).toEqual([
      { opted_out: false },
    ]);
  },
);

test('an opt-out that arrives late removes the events stored after its time', async () => {
  await capture(resoto('system.started', RECORDED_AT - 3 * HOUR_MS));
  await replayRecorded();
  await replayRecorded();
  expect(await fatesOf()).toEqual({ stored: 11, duplicate: 10 });
  await capture(resoto('usage-metrics.turned-off', RECORDED_AT - 2 * HOUR_MS));
  expect(await fatesOf()).toEqual({ stored: 2, duplicate: 10, opted_out: 10 });
  expect(await rowsOf(RECORDED_ID)).toEqual({ report: 2, consent_event: 1 });
  const [seen] = await muster.owner(
    'SELECT last_seen_at, origin_id IS NULL AS is_undescribed FROM installation',
  );
  expect(seen!.last_seen_at).toEqual(new Date(RECORDED_AT - 2 * HOUR_MS));
});

test('opt-outs and opt-ins in one request apply by the time of the events, not by their order', async () => {
  await capture(
    resoto('system.stopped', RECORDED_AT + 50),
    resoto('opted_in', RECORDED_AT + 40),
    resoto('system.started', RECORDED_AT + 30),
    resoto('system.started', RECORDED_AT + 30, {}, 'no installation'),
    resoto('usage-metrics.turned-off', RECORDED_AT + 20),
    resoto('model.info', RECORDED_AT + 10),
  );
  expect(await fatesOf()).toEqual({ stored: 4, opted_out: 1, quarantined: 1 });
  const events = await muster.owner('SELECT event FROM fleet.usage_events ORDER BY occurred_at');
  expect(events.map(({ event }) => event)).toEqual([
    ...['model.info', 'usage-metrics.turned-off', 'opted_in', 'system.stopped'],
  ]);
});

test('events of an opted-out installation are in no table, not even as anonymous snapshots', async () => {
  const message = 'no such key';
  const error = (at: number) =>
    resoto('error.server', at, { kind: 'KeyError', message, version: '3.9.0' });
  await capture(resoto('usage-metrics.turned-off', RECORDED_AT));
  await capture(error(RECORDED_AT + 1), error(RECORDED_AT + 2));
  expect(await fatesOf()).toEqual({ stored: 1, opted_out: 2 });
  expect(await muster.owner('SELECT FROM error_snapshot')).toEqual([]);
  // Another installation may report the same afterwards.
  const other = randomUUID();
  await capture(resoto('error.server', RECORDED_AT, { kind: 'KeyError', message }, other));
  expect(await muster.owner('SELECT kind FROM fleet.error_reports')).toEqual([
    { kind: 'KeyError' },
  ]);
});

test('an opt-out applies to all events of its product: usage, health, quarantined and UI events', async () => {
  const installationId = randomUUID();
  const at = RECORDED_AT;
  const event = (product: string, name: string, time: number, properties = {}) => ({
    ...{ installationId, product, event: name, properties },
    ...{ id: randomUUID(), occurredAt: iso(time) },
  });
  const unit = { 'health-unit-a-service-total': 3, 'health-unit-a-service-unhealthy': 0 };
  const send = async (key: string, ...events: object[]) => {
    const headers = { authorization: `Bearer ${key}` };
    expect((await muster.post('/v1/events', events, { headers })).status).toBe(202);
    await muster.drained();
  };
  await send('wk_dcos', event('dcos', 'opted_out', at));
  const later = [
    event('dcos', 'health', at + 1, unit),
    event('dcos', 'mesos_track', at + 2, { cpu_total: 4, mem_total: -1 }),
    event('dcos', 'unheard_of', at + 3),
    event('dcos', 'page', at + 4, { path: '/dashboard' }),
  ];
  await send('wk_dcos', ...later, later[0]!);
  await send('phc_TEST', event('resoto', 'system.started', at + 5));
  expect(await fatesOf('dcos')).toEqual({ stored: 1, opted_out: 5 });
  expect(await fatesOf('resoto')).toEqual({ stored: 1 });
  expect(await rowsOf(installationId)).toEqual({ report: 2, consent_event: 1 });
});

test('an erasure removes the opt-out', async () => {
  await capture(resoto('usage-metrics.turned-off', RECORDED_AT - HOUR_MS));
  await replayRecorded();
  const { status, json } = await admin.ask('POST', '/v1/erasures', {
    ...{ mode: 'erase', installationIds: [RECORDED_ID] },
  });
  expect({ status, json }).toMatchObject({ status: 202 });
  await expect
    .poll(
      async () => (await admin.ask('GET', `/v1/erasures/${json.erasure.id}`)).json.erasure.state,
      { timeout: 60_000 },
    )
    .toBe('complete');
  expect(await rowsOf(RECORDED_ID)).toEqual({});
  await replayRecorded();
  expect(await rowsOf(RECORDED_ID)).toMatchObject({ report: 10 });
  expect(await fatesOf()).toEqual({ stored: 11, opted_out: 10 });
}, 90_000);
