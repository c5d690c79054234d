import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { event, RolledUp } from './support/rolled-up.js';

let it: RolledUp;

beforeAll(async () => {
  it = await RolledUp.create();
});
beforeEach(() => it.empty());
afterAll(() => it.drop());

test('daily_fleet counts active, new, returned and silent installations per version', async () => {
  const [steady, brief, back] = [randomUUID(), randomUUID(), randomUUID()];
  for (const ago of [6, 5, 4, 3, 2, 1, 0]) await it.save(event(steady, ago));
  await it.save(event(brief, 5), event(back, 6), event(back, 1, 3), event(back, 1, 4));
  await it.rollups.refresh();
  const columns = 'active, born, returned, gone_silent, reports::int, reporting_hours::int';
  expect(await it.shown('daily_fleet', columns)).toEqual([
    { ago: 6, active: 2, born: 2, returned: 0, gone_silent: 0, reports: 2, reporting_hours: 2 },
    { ago: 5, active: 2, born: 1, returned: 0, gone_silent: 0, reports: 2, reporting_hours: 2 },
    { ago: 4, active: 1, born: 0, returned: 0, gone_silent: 1, reports: 1, reporting_hours: 1 },
    { ago: 3, active: 1, born: 0, returned: 0, gone_silent: 1, reports: 1, reporting_hours: 1 },
    { ago: 2, active: 1, born: 0, returned: 0, gone_silent: 0, reports: 1, reporting_hours: 1 },
    { ago: 1, active: 2, born: 0, returned: 1, gone_silent: 0, reports: 3, reporting_hours: 3 },
    { ago: 0, active: 1, born: 0, returned: 0, gone_silent: null, reports: 1, reporting_hours: 1 },
  ]);
});

test('an installation that opts out does not count as silent, even if its opt-out arrives late', async () => {
  const [gone, left, late, back] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  const out = (id: string, ago: number) => event(id, ago, 13, { event: 'opted_out' });
  const optIn = event(back, 5, 14, { event: 'opted_in' });
  const ids = [gone, left, late, back];
  await it.save(...[6, 5].flatMap((ago) => ids.map((id) => event(id, ago))));
  await it.save(event(late, 4), out(left, 5), out(back, 5), optIn);
  await it.rollups.refresh();
  const silent = async () => ({
    days: await it.ask(
      `SELECT CURRENT_DATE - day AS ago, gone_silent FROM fleet.daily_fleet WHERE gone_silent > 0 ORDER BY day`,
    ),
    now: (
      await it.ask('SELECT installation_id AS id FROM fleet.installation_lives WHERE is_silent')
    )
      .map(({ id }) => id as string)
      .sort(),
  });
  expect(await silent()).toEqual({
    days: [
      { ago: 3, gone_silent: 2 },
      { ago: 2, gone_silent: 1 },
    ],
    now: [gone, late, back].sort(),
  });
  await it.save(out(late, 5));
  await it.rollups.refresh();
  expect(await silent()).toEqual({
    days: [{ ago: 3, gone_silent: 2 }],
    now: [gone, back].sort(),
  });
  expect(await it.shown('daily_fleet', 'active')).toEqual([
    { ago: 6, active: 4 },
    { ago: 5, active: 4 },
    { ago: 3, active: 0 },
  ]);
});

test('daily views show providers, and capacities in classes of powers of two', async () => {
  const cluster = (cpu_total: number, provider: string) =>
    event(randomUUID(), 1, 12, { event: 'mesos_track', properties: { cpu_total, provider } });
  await it.save(cluster(8, 'aws'), cluster(15.5, 'aws'), cluster(16, 'on-prem'), cluster(0, 'aws'));
  await it.rollups.refresh();
  expect(await it.shown('daily_mix', 'provider, installations')).toEqual([
    { ago: 1, provider: 'aws', installations: 3 },
    { ago: 1, provider: 'on-prem', installations: 1 },
  ]);
  expect(await it.shown('daily_capacity', 'at_least, below, installations, total')).toEqual([
    { ago: 1, at_least: 0, below: 0.125, installations: 1, total: 0 },
    { ago: 1, at_least: 8, below: 16, installations: 2, total: 23.5 },
    { ago: 1, at_least: 16, below: 32, installations: 1, total: 16 },
  ]);
});

test('huge values do not break the sums', async () => {
  const properties = { cpu_total: 1e7, mem_total: 2 ** 40 };
  const figures = { environments: 2_147_483_646, memory: 2 ** 60 };
  for (let i = 0; i < 3; i += 1) {
    await it.save(
      event(randomUUID(), 1, 12, { event: 'mesos_track', properties }),
      event(randomUUID(), 1, 12, { product: 'octopus', event: 'telemetry', properties: figures }),
      event(randomUUID(), 1, 12, {
        product: 'resoto',
        event: 'anything',
        properties: { n: 1e15 },
      }),
    );
  }
  // Larger values were stored before they had bounds.
  await it.ask(
    `UPDATE metric_snapshot SET figures = array_fill(1e308::float8, ARRAY[cardinality(figures)])`,
  );
  await it.ask('UPDATE resource_reading SET cpu_total = 1e308, mem_total_mb = 1e308');
  await it.rollups.refresh();
  expect(await it.ask('SELECT sum(active)::int AS active FROM fleet.daily_fleet')).toEqual([
    { active: 9 },
  ]);
});

test('a late report changes the day on which it was observed and the dependent days', async () => {
  const id = randomUUID();
  await it.save(event(id, 9), event(id, 3));
  await it.rollups.refresh();
  const columns = 'active, born, returned, gone_silent';
  const before = await it.shown('daily_fleet', columns);
  await it.save(event(id, 6), event(id, 5, 11, { version: '2.2' }));
  await it.rollups.refresh();
  expect(before).toContainEqual({ ago: 3, active: 1, born: 0, returned: 1, gone_silent: 0 });
  expect(await it.shown('daily_fleet', `product_version, ${columns}`)).toEqual([
    { ago: 9, product_version: '2.1', active: 1, born: 1, returned: 0, gone_silent: 0 },
    { ago: 7, product_version: '2.1', active: 0, born: 0, returned: 0, gone_silent: 1 },
    { ago: 6, product_version: '2.1', active: 1, born: 0, returned: 1, gone_silent: 0 },
    { ago: 5, product_version: '2.2', active: 1, born: 0, returned: 0, gone_silent: 0 },
    { ago: 3, product_version: '2.1', active: 1, born: 0, returned: 0, gone_silent: 0 },
    { ago: 1, product_version: '2.1', active: 0, born: 0, returned: 0, gone_silent: 1 },
  ]);
  const [life] = await it.ask(
    'SELECT first_version, last_version, active_days, returns, is_silent FROM fleet.installation_lives',
  );
  expect(life).toEqual({
    ...{ first_version: '2.1', last_version: '2.1', active_days: 4, returns: 1, is_silent: true },
  });
});

/** Locks a table until it is released. */
async function holding(table: string, mode: string) {
  const client = new pg.Client({ connectionString: it.database.url });
  await client.connect();
  await client.query(`BEGIN; LOCK TABLE ${table} IN ${mode} MODE`);
  const untilAnotherWaits = () =>
    vi.waitFor(async () => {
      const waiting = await it.ask(
        `SELECT FROM pg_locks WHERE NOT granted AND relation = '${table}'::regclass`,
      );
      expect(waiting).toHaveLength(1);
    });
  return { untilAnotherWaits, release: () => client.end() };
}

const reports = async () => {
  const [row] = await it.ask('SELECT sum(reports)::int AS n FROM fleet.daily_fleet');
  return row!.n as number;
};
const pendingDays = async () => {
  const [row] = await it.ask('SELECT max(pending_days)::int AS n FROM fleet.freshness');
  return row!.n as number;
};

test('a report that is committed during a refresh of its day is not missed', async () => {
  await it.save(event(randomUUID(), 2));
  // The refresh has removed the dirty days, and reads reports only after the release.
  const floor = await holding('retention_floor', 'ACCESS EXCLUSIVE');
  const refreshing = it.rollups.refresh();
  await floor.untilAnotherWaits();
  await it.save(event(randomUUID(), 2));
  await floor.release();
  await refreshing;
  expect(await pendingDays()).toBe(1);
  await it.rollups.refresh();
  expect([await reports(), await pendingDays()]).toEqual([2, 0]);
});

test('a transaction that is open during a refresh is included in the next one', async () => {
  await it.save(event(randomUUID(), 2));
  // The batch has written its rows, and waits to count them.
  const tally = await holding('ingest_tally', 'EXCLUSIVE');
  const saving = it.save(event(randomUUID(), 2));
  await tally.untilAnotherWaits();
  await it.rollups.refresh();
  expect([await reports(), await pendingDays()]).toEqual([1, 0]);
  await tally.release();
  await saving;
  expect(await pendingDays()).toBe(1);
  await it.rollups.refresh();
  expect([await reports(), await pendingDays()]).toEqual([2, 0]);
});

test('a scheduled refresh pauses after a long one', async () => {
  await it.ask('UPDATE rollup_state SET refreshed_at = now(), duration_ms = 60000');
  expect(await it.rollups.refreshIfDue()).toBeNull();
  await it.ask(`UPDATE rollup_state SET refreshed_at = now() - interval '21 minutes'`);
  expect(await it.rollups.refreshIfDue()).toMatchObject({ days: 0, rows: 0 });
});

test('an interrupted refresh continues where it stopped', async () => {
  const id = randomUUID();
  await it.save(event(id, 3), event(id, 2), event(id, 1));
  const stopping = new AbortController();
  const onProgress = () => stopping.abort();
  expect(await it.rollups.refresh({ signal: stopping.signal, onProgress })).toMatchObject({
    days: 1,
  });
  expect(await pendingDays()).toBe(2);
  expect(await it.rollups.refresh()).toMatchObject({ days: 2 });
  expect(await reports()).toBe(3);
});
