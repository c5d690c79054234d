import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { ErasureStore, HousekeepingStore, migrate, Rollups, TelemetryStore } from '#storage';
import {
  cadencesOf,
  compileProducts,
  normalise,
  ownDeclarations,
  type EventEnvelope,
} from '#telemetry';
import { carryOut } from './support/erasures.js';
import { Asker, createDatabase, type TestDatabase } from './support/database.js';
import { emptyTables } from './support/tables.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const TODAY = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const OPTIONS = { products: compileProducts(), retentionMs: 400 * DAY_MS };
const suppressionKey = 'only-for-tests';

let database: TestDatabase;
let owner: Asker;
let store: TelemetryStore;
let rollups: Rollups;

beforeAll(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  store = new TelemetryStore({ databaseUrl: database.url, connections: 3, suppressionKey });
  rollups = new Rollups({ databaseUrl: database.url });
});

beforeEach(() => emptyTables(owner.ask));

afterAll(async () => {
  await store.close();
  await rollups.close();
  await owner.end();
  await database.drop();
});

const health = { 'health-unit-a-total': 3, 'health-unit-a-unhealthy': 1 };

interface Sent {
  id?: string;
  product?: string;
  event?: string;
  version?: string;
  receivedAt?: number;
  properties?: object;
}

/** An event of an installation, so many days ago, at an hour. */
function event(installationId: string, daysAgo: number, hour = 12, sent: Sent = {}): EventEnvelope {
  const occurredAt = TODAY - daysAgo * DAY_MS + hour * HOUR_MS;
  const {
    product = 'dcos',
    event = 'health',
    version = '2.1',
    properties = health,
    ...rest
  } = sent;
  return {
    ...{ receivedAt: TODAY, product, event, installationId, id: randomUUID() },
    occurredAt: new Date(occurredAt).toISOString(),
    properties: { ...properties, environmentVersion: version, version },
    ...rest,
  };
}

async function save(...envelopes: EventEnvelope[]) {
  await store.save({
    ...{ batchId: randomUUID(), gatheredAt: TODAY },
    accepted: envelopes.map(({ product, receivedAt: hour }) => ({ product, hour, count: 1 })),
    events: envelopes.map((envelope) => normalise(envelope, OPTIONS)),
  });
}

/** What a view shows, with days as how many of them ago. */
async function shown(view: string, columns: string, order = columns) {
  return owner.ask(
    `SELECT '${new Date(TODAY).toISOString()}'::date - day AS ago, ${columns} FROM fleet.${view} ORDER BY day, ${order}`,
  );
}

test('a day of a version tells who was there, was born, came back and fell silent', async () => {
  const [steady, brief, back] = [randomUUID(), randomUUID(), randomUUID()];
  for (const ago of [6, 5, 4, 3, 2, 1, 0]) await save(event(steady, ago));
  await save(event(brief, 5), event(back, 6), event(back, 1, 3), event(back, 1, 4));
  await rollups.refresh();
  const columns = 'active, born, returned, gone_silent, reports::int, reporting_hours::int';
  expect(await shown('daily_fleet', columns)).toEqual([
    { ago: 6, active: 2, born: 2, returned: 0, gone_silent: 0, reports: 2, reporting_hours: 2 },
    { ago: 5, active: 2, born: 1, returned: 0, gone_silent: 0, reports: 2, reporting_hours: 2 },
    { ago: 4, active: 1, born: 0, returned: 0, gone_silent: 1, reports: 1, reporting_hours: 1 },
    { ago: 3, active: 1, born: 0, returned: 0, gone_silent: 1, reports: 1, reporting_hours: 1 },
    { ago: 2, active: 1, born: 0, returned: 0, gone_silent: 0, reports: 1, reporting_hours: 1 },
    { ago: 1, active: 2, born: 0, returned: 1, gone_silent: 0, reports: 3, reporting_hours: 3 },
    { ago: 0, active: 1, born: 0, returned: 0, gone_silent: null, reports: 1, reporting_hours: 1 },
  ]);
});

test('a day tells where installations were and how large: classes are powers of two', async () => {
  const cluster = (cpu_total: number, provider: string) =>
    event(randomUUID(), 1, 12, { event: 'mesos_track', properties: { cpu_total, provider } });
  await save(cluster(8, 'aws'), cluster(15.5, 'aws'), cluster(16, 'on-prem'), cluster(0, 'aws'));
  await rollups.refresh();
  expect(await shown('daily_mix', 'provider, installations')).toEqual([
    { ago: 1, provider: 'aws', installations: 3 },
    { ago: 1, provider: 'on-prem', installations: 1 },
  ]);
  expect(await shown('daily_capacity', 'at_least, below, installations, total')).toEqual([
    { ago: 1, at_least: 0, below: 0.125, installations: 1, total: 0 },
    { ago: 1, at_least: 8, below: 16, installations: 2, total: 23.5 },
    { ago: 1, at_least: 16, below: 32, installations: 1, total: 16 },
  ]);
});

test('no figure is so great that it stops the sums', async () => {
  const properties = { cpu_total: Number.MAX_VALUE, mem_total: Number.MAX_VALUE };
  const figures = { environments: 2_147_483_647, memory: Number.MAX_VALUE };
  for (let i = 0; i < 3; i += 1) {
    await save(
      event(randomUUID(), 1, 12, { event: 'mesos_track', properties }),
      event(randomUUID(), 1, 12, { product: 'octopus', event: 'telemetry', properties: figures }),
      event(randomUUID(), 1, 12, {
        product: 'resoto',
        event: 'anything',
        properties: { n: 1e308 },
      }),
    );
  }
  await rollups.refresh();
  expect(await owner.ask('SELECT sum(active)::int AS active FROM fleet.daily_fleet')).toEqual([
    { active: 9 },
  ]);
});

test('a late report changes the day on which it was observed, and those that hang on it', async () => {
  const id = randomUUID();
  await save(event(id, 9), event(id, 3));
  await rollups.refresh();
  const columns = 'active, born, returned, gone_silent';
  const before = await shown('daily_fleet', columns);
  await save(event(id, 6), event(id, 5, 11, { version: '2.2' }));
  await rollups.refresh();
  expect(before).toContainEqual({ ago: 3, active: 1, born: 0, returned: 1, gone_silent: 0 });
  expect(await shown('daily_fleet', `product_version, ${columns}`)).toEqual([
    { ago: 9, product_version: '2.1', active: 1, born: 1, returned: 0, gone_silent: 0 },
    { ago: 7, product_version: '2.1', active: 0, born: 0, returned: 0, gone_silent: 1 },
    { ago: 6, product_version: '2.1', active: 1, born: 0, returned: 1, gone_silent: 0 },
    { ago: 5, product_version: '2.2', active: 1, born: 0, returned: 0, gone_silent: 0 },
    { ago: 3, product_version: '2.1', active: 1, born: 0, returned: 0, gone_silent: 0 },
    { ago: 1, product_version: '2.1', active: 0, born: 0, returned: 0, gone_silent: 1 },
  ]);
  const [life] = await owner.ask(
    'SELECT first_version, last_version, active_days, returns, is_silent FROM fleet.installation_lives',
  );
  expect(life).toEqual({
    ...{ first_version: '2.1', last_version: '2.1', active_days: 4, returns: 1, is_silent: true },
  });
});

/** Whoever tries this waits until it is let go. */
async function holding(table: string, mode: string) {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`BEGIN; LOCK TABLE ${table} IN ${mode} MODE`);
  const untilSomebodyWaits = () =>
    vi.waitFor(async () => {
      const waiting = await owner.ask(
        `SELECT FROM pg_locks WHERE NOT granted AND relation = '${table}'::regclass`,
      );
      expect(waiting).toHaveLength(1);
    });
  return { untilSomebodyWaits, letGo: () => client.end() };
}

const reports = async () => {
  const [row] = await owner.ask('SELECT sum(reports)::int AS n FROM fleet.daily_fleet');
  return row!.n as number;
};
const pendingDays = async () => {
  const [row] = await owner.ask('SELECT max(pending_days)::int AS n FROM fleet.freshness');
  return row!.n as number;
};

test('what is committed while a day is read again is not forgotten', async () => {
  await save(event(randomUUID(), 2));
  // It has taken the marks away, and comes to the reports only when it is let go.
  const floor = await holding('retention_floor', 'ACCESS EXCLUSIVE');
  const refreshing = rollups.refresh();
  await floor.untilSomebodyWaits();
  // Who waits for all that write, as an erasure does, does not wait for a refresh that reads.
  const writing = await owner.ask(
    `SELECT FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND datname = current_database()
        AND application_name = 'muster-rollups'`,
  );
  await save(event(randomUUID(), 2));
  await floor.letGo();
  await refreshing;
  expect(writing).toEqual([]);
  expect(await pendingDays()).toBe(1);
  await rollups.refresh();
  expect([await reports(), await pendingDays()]).toEqual([2, 0]);
});

test('what was under way while a day was read is read by the next refresh', async () => {
  await save(event(randomUUID(), 2));
  // Its rows are written, and it waits to count them.
  const tally = await holding('ingest_tally', 'EXCLUSIVE');
  const saving = save(event(randomUUID(), 2));
  await tally.untilSomebodyWaits();
  await rollups.refresh();
  expect([await reports(), await pendingDays()]).toEqual([1, 0]);
  await tally.letGo();
  await saving;
  expect(await pendingDays()).toBe(1);
  await rollups.refresh();
  expect([await reports(), await pendingDays()]).toEqual([2, 0]);
});

const SUMS = [
  ...['fleet', 'mix', 'unit', 'package', 'framework', 'metric', 'capacity'],
  ...['usage', 'counter', 'error', 'ui', 'dropped'],
];
/** All sums, as text. */
async function sums() {
  const all: Record<string, unknown> = {};
  for (const name of SUMS)
    all[name] = await owner.ask(`SELECT t::text FROM ${name}_day t ORDER BY 1`);
  return all;
}

/** Every kind of event, on several days. */
function everything(id: string): EventEnvelope[] {
  const visitor = { userKey: '7', visitorKey: '8' };
  return [5, 3, 0].flatMap((ago) => [
    event(id, ago),
    event(id, ago, 3, {
      event: 'mesos_track',
      properties: { cpu_total: 4, frameworks: [{ name: 'kafka' }] },
    }),
    event(id, ago, 4, {
      event: 'package_list',
      properties: { package_list: [{ appId: '/kafka' }] },
    }),
    { ...event(id, ago, 5, { event: 'page', properties: { path: '/nodes' } }), ...visitor },
    event(id, ago, 6, { event: 'opted_out' }),
    event(id, ago, 7, { product: 'octopus', event: 'telemetry', properties: { environments: 3 } }),
    event(id, ago, 8, {
      product: 'resoto',
      event: 'system.stopped',
      properties: { total_seconds: 9 },
    }),
    event(id, ago, 9, {
      product: 'resoto',
      event: 'error.server',
      properties: { kind: 'KeyError', remark: 'some text' },
    }),
  ]);
}

async function erase(installationId: string) {
  const erasures = new ErasureStore({ databaseUrl: database.url, connections: 2, suppressionKey });
  await erasures.request({ mode: 'erase_and_suppress', installationIds: [installationId] });
  await carryOut(erasures);
  await erasures.close();
}

test('a day that continues a life is added to it, and the days before are not read again', async () => {
  const [steady, upgraded] = [randomUUID(), randomUUID()];
  const lives = () =>
    owner.ask(
      `SELECT installation_id AS id, active_days, returns, last_version, upgrades
         FROM fleet.installation_lives l
         LEFT JOIN (SELECT installation_id, array_agg(from_version || ' ' || to_version ORDER BY day) AS upgrades
                      FROM fleet.installation_upgrades GROUP BY 1) u USING (installation_id)
        ORDER BY installation_id = $1 DESC`,
      [steady],
    );
  await save(...[9, 8].flatMap((ago) => [event(steady, ago), event(upgraded, ago)]));
  await rollups.refresh();
  await owner.ask('UPDATE installation_life SET active_days = active_days + 100');
  for (const [ago, version] of [
    [7, '2.2'],
    [6, '2.2'],
    [1, '2.3'],
  ] as const) {
    await save(event(steady, ago), event(upgraded, ago, 12, { version }));
    await rollups.refresh();
  }
  const upgrades = ['2.1 2.2', '2.2 2.3'];
  const [first, second] = await lives();
  expect(first).toMatchObject({
    active_days: 105,
    returns: 1,
    last_version: '2.1',
    upgrades: null,
  });
  expect(second).toMatchObject({ active_days: 105, returns: 1, last_version: '2.3', upgrades });

  const shownNow = () => owner.ask('SELECT * FROM fleet.installation_upgrades ORDER BY day');
  const before = await shownNow();
  expect(before).toHaveLength(2);
  await rollups.rebuild();
  expect(await shownNow()).toEqual(before);
  expect(await lives()).toMatchObject([
    { active_days: 5, returns: 1 },
    { active_days: 5, returns: 1, upgrades },
  ]);
});

test('an erasure leaves the sums as if the installation had never been', async () => {
  const [gone, kept] = [randomUUID(), randomUUID()];
  await save(...everything(kept));
  await rollups.refresh();
  const without = await sums();
  expect(Object.values(without).filter((rows) => (rows as unknown[]).length === 0)).toEqual([]);
  await save(...everything(gone), event(gone, 8));
  await rollups.refresh();
  expect(await sums()).not.toEqual(without);

  await erase(gone);
  expect(await sums()).toEqual(without);
});

test('days whose reports were dropped stay as they are, and an erasure still corrects them', async () => {
  const [gone, kept] = [randomUUID(), randomUUID()];
  await save(...everything(kept));
  await rollups.refresh();
  const without = await sums();
  await save(...everything(gone));
  await rollups.refresh();
  const all = await sums();
  // As the retention does: reports go, and the first day that is still whole is noted.
  await owner.ask('TRUNCATE report, resource_reading, ui_reading');
  await owner.ask(
    `INSERT INTO retention_floor SELECT product, CURRENT_DATE + 1 FROM unnest(ARRAY['dcos', 'octopus', 'resoto']) AS product`,
  );
  await rollups.rebuild();
  expect(await sums()).toEqual(all);

  await erase(gone);
  expect(await sums()).toEqual(without);
});

test('rollups older than they are kept are let go of, and change nothing of those that are kept', async () => {
  const [steady, back, gone] = [randomUUID(), randomUUID(), randomUUID()];
  for (let ago = 40; ago >= 0; ago -= 1) {
    await save(event(steady, ago, 12, { version: ago > 30 ? '2.0' : '2.1' }), event(gone, ago));
  }
  // There before all that is kept, silent since, and back on a day that is kept.
  await save(event(back, 39), event(back, 5), event(randomUUID(), 38));
  await rollups.refresh();
  const kept = `WHERE day >= (now() AT TIME ZONE 'UTC')::date - 9`;
  const days = () => owner.ask(`SELECT * FROM fleet.daily_fleet ${kept} ORDER BY 1, 2, 3`);
  const lives = () =>
    owner.ask(
      `SELECT installation_id, first_day, first_version, last_day FROM fleet.installation_lives
        WHERE last_day > (now() AT TIME ZONE 'UTC')::date - 10 ORDER BY 1`,
    );
  const counted = () =>
    owner.ask(
      `SELECT installation_id, active_days, returns FROM fleet.installation_lives ORDER BY 1`,
    );
  const before = await days();
  const livesBefore = await lives();

  const house = new HousekeepingStore({ databaseUrl: database.url });
  const { signal } = new AbortController();
  const letGo = () => house.applyRetention({ retentionDays: 400, rollupRetentionDays: 9, signal });
  const { removed } = await letGo();
  expect((await letGo()).removed).toEqual({});
  await house.close();
  // Days stay for as long as a product may be silent (a Resoto for 8 days): 18 days to today, and the return.
  expect(removed).toMatchObject({ installation_day: 2 * 23 + 2, installation_life: 1 });
  expect(await days()).toEqual(before);
  const countedThen = await counted();

  await rollups.rebuild();
  expect(await days()).toEqual(before);
  expect(await lives()).toEqual(livesBefore);
  expect(await counted()).toEqual(countedThen);
  await erase(gone);
  const [all] = await owner.ask(
    `SELECT (now() AT TIME ZONE 'UTC')::date - min(day) AS ago, sum(active)::int AS active, sum(born)::int AS born, sum(returned)::int AS returned
       FROM fleet.daily_fleet`,
  );
  expect(all).toEqual({ ago: 9, active: 11, born: 0, returned: 1 });
});

test('where a product’s silence begins later than before, its days are summed up anew', async () => {
  await save(
    event(randomUUID(), 9),
    event(randomUUID(), 1, 12, {
      product: 'octopus',
      event: 'telemetry',
      properties: { environments: 3 },
    }),
  );
  await rollups.refresh();
  const silent = () =>
    owner.ask(
      `SELECT CURRENT_DATE - day AS ago FROM fleet.daily_fleet WHERE gone_silent > 0 AND product = 'dcos'`,
    );
  expect(await silent()).toEqual([{ ago: 7 }]);
  const migrateWith = (silentAfterDays: number) =>
    migrate({
      databaseUrl: database.url,
      cadences: [{ product: 'dcos', every: 'hour', silentAfterDays }],
    });
  await migrateWith(5);
  await rollups.refresh();
  expect(await silent()).toEqual([{ ago: 4 }]);
  await migrate({ databaseUrl: database.url, cadences: cadencesOf(ownDeclarations) });
  await rollups.refresh();
  expect(await silent()).toEqual([{ ago: 7 }]);
});

test('a refresh in turn leaves the machine to others after one that took long', async () => {
  await owner.ask('UPDATE rollup_state SET refreshed_at = now(), duration_ms = 60000');
  expect(await rollups.refreshInTurn()).toBeNull();
  await owner.ask(`UPDATE rollup_state SET refreshed_at = now() - interval '21 minutes'`);
  expect(await rollups.refreshInTurn()).toMatchObject({ days: 0, rows: 0 });
});

test('a refresh that is stopped goes on from where it was', async () => {
  const id = randomUUID();
  await save(event(id, 3), event(id, 2), event(id, 1));
  const stopping = new AbortController();
  const onProgress = () => stopping.abort();
  expect(await rollups.refresh({ signal: stopping.signal, onProgress })).toMatchObject({ days: 1 });
  expect(await pendingDays()).toBe(2);
  expect(await rollups.refresh()).toMatchObject({ days: 2 });
  expect(await reports()).toBe(3);
});
