import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ErasureStore, MaintenanceStore, TelemetryStore, type RetentionOptions } from '#storage';
import { compileProducts, normalise, type EventEnvelope } from '#telemetry';
import { carryOut } from './support/erasures.js';
import { Asker, createDatabase, type TestDatabase, connectionsOf } from './support/database.js';

const NOW = Date.UTC(2025, 6, 15);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const OPTIONS = { products: compileProducts(), retentionMs: 400 * DAY_MS };
const suppressionKey = 'only-for-tests';
const PRODUCTS = ['dcos', 'octopus', 'resoto'];
const MONTHS = [0, 1, 2, 3, 4, 5, 6];

let database: TestDatabase;
let owner: Asker;
let writer: TelemetryStore;
let house: MaintenanceStore;

beforeEach(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  writer = new TelemetryStore({ database: connectionsOf(database.url), suppressionKey });
  house = new MaintenanceStore(connectionsOf(database.url));
});

afterEach(async () => {
  await owner.end();
  await database.drop();
});

const applyRetention = (options: Partial<RetentionOptions> = {}) =>
  house.applyRetention({
    ...{ retentionDays: 90, rollupRetentionDays: 1830, now: NOW },
    ...{ signal: new AbortController().signal, ...options },
  });

/**
 * Events of every table, some with a defect, received in the middle of a month of 2025. In even
 * months an opt-out comes last, because later events would not be stored. The next month has an
 * opt-in.
 */
function eventsOf(installationId: string, month: number, product = 'dcos'): EventEnvelope[] {
  const receivedAt = Date.UTC(2025, month, 15);
  const of = (event: string, properties: object): EventEnvelope => ({
    ...{ receivedAt, product, id: randomUUID(), installationId, event },
    properties: properties as Record<string, unknown>,
  });
  if (product !== 'dcos') {
    const figures = { 'health-unit-a-total': 1, 'health-unit-a-unhealthy': 0 };
    return [of('health', figures)];
  }
  return [
    of('health', { 'health-unit-a-total': 3 + month, 'health-unit-a-unhealthy': 1 }),
    of('mesos_track', { cpu_total: Math.random(), frameworks: [{ name: 'kafka' }] }),
    of('package_list', { package_list: [{ name: 'kafka' }, 7] }),
    { ...of('page', { path: '/nodes' }), userKey: '7', visitorKey: '8' },
    month % 2 ? of('opted_in', {}) : { ...of('opted_out', {}), receivedAt: receivedAt + MINUTE_MS },
    of('unheard-of', { x: 1 }),
  ];
}

async function save(envelopes: EventEnvelope[]) {
  await writer.save({
    ...{ batchId: randomUUID(), gatheredAt: envelopes[0]!.receivedAt },
    accepted: envelopes.map(({ product, receivedAt: hour }) => ({ product, hour, count: 1 })),
    events: envelopes.map((envelope) => normalise(envelope, OPTIONS)),
  });
}

/** Inserts many reports of a product by SQL. */
async function addReports(product: string, month: number, count: number) {
  await save(eventsOf(randomUUID(), month));
  const [origin] = await owner.ask(
    `INSERT INTO origin (product, version, variant, provider, platform, source)
     VALUES ($1, '9', '', '', '', '') ON CONFLICT (product, version, variant, provider, platform, source, key_id)
         DO UPDATE SET version = '9' RETURNING origin_id`,
    [product],
  );
  await owner.ask(
    `INSERT INTO report SELECT gen_random_uuid(), n, $1::timestamptz, $1, s.snapshot_id, $2, 1, 0
       FROM generate_series(1, $3) n CROSS JOIN (SELECT snapshot_id FROM health_snapshot LIMIT 1) s`,
    [new Date(Date.UTC(2025, month, 15)), origin!.origin_id, count],
  );
}

/** The months with reports, by product: `{ dcos: '45' }` means May and June. */
async function monthsOf(table: string) {
  const rows = await owner.ask(
    `SELECT o.product, string_agg(DISTINCT (extract(month FROM r.received_at) - 1)::text, '') AS months
       FROM ${table} r JOIN origin o USING (origin_id) GROUP BY 1`,
  );
  return Object.fromEntries(rows.map(({ product, months }) => [product, months]));
}

const partitionsOf = async (table: string) =>
  (
    await owner.ask(
      `SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
        WHERE inhparent = $1::regclass AND c.relname < $2 ORDER BY 1`,
      [table, `${table}_2025_08`],
    )
  ).map(({ relname }) => (relname as string).slice(-2));

test('months are removed by the retention of each product, as whole partitions if possible', async () => {
  await owner.ask(
    `INSERT INTO product_policy (product, retention_days) VALUES ('octopus', 30), ('resoto', 180)`,
  );
  for (const month of MONTHS) {
    for (const product of PRODUCTS) await save(eventsOf(randomUUID(), month, product));
  }
  const before = await monthsOf('report');
  const plan = await applyRetention({ isDryRun: true });
  expect(await monthsOf('report')).toEqual(before);

  const result = await applyRetention();
  expect(plan).toEqual({ ...result, removed: {} });
  expect(result.rewritten).toHaveLength(5);
  expect(await monthsOf('report')).toEqual({ dcos: '3456', octopus: '56', resoto: '0123456' });
  expect(await monthsOf('resource_reading')).toEqual({ dcos: '3456' });
  expect(await monthsOf('ui_reading')).toEqual({ dcos: '3456' });
  expect(await monthsOf('defect')).toEqual({ dcos: '3456' });
  expect(await partitionsOf('report')).toEqual(['01', '02', '03', '04', '05', '06', '07']);
  expect(await partitionsOf('resource_reading')).toEqual(['04', '05', '06', '07']);
  expect(await partitionsOf('batch_receipt')).toEqual(['05', '06', '07']);

  expect(await applyRetention()).toEqual({ dropped: [], rewritten: [], removed: {} });
  await owner.ask(`DELETE FROM product_policy WHERE product = 'resoto'`);
  const { dropped } = await applyRetention();
  expect(dropped).toEqual(['report_2025_01', 'report_2025_02', 'report_2025_03']);
  expect(await monthsOf('report')).toEqual({ dcos: '3456', octopus: '56', resoto: '3456' });
});

test('a rewritten month has the same indexes and bounds, and no temporary object remains', async () => {
  await owner.ask(`INSERT INTO product_policy (product, retention_days) VALUES ('octopus', 30)`);
  const shape = () =>
    owner.ask(
      `SELECT pg_get_expr(relpartbound, c.oid) AS bounds, i.indexdef, i.indexname,
              (SELECT count(*) FROM pg_constraint WHERE conrelid = c.oid AND contype = 'c') AS checks,
              (SELECT count(*) FROM pg_trigger WHERE tgrelid = c.oid) AS triggers
         FROM pg_class c JOIN pg_indexes i ON i.tablename = c.relname
        WHERE c.relname = 'report_2025_05' ORDER BY i.indexname`,
    );
  await save([...eventsOf(randomUUID(), 4), ...eventsOf(randomUUID(), 4, 'octopus')]);
  const [before, kept] = [await shape(), await monthsOf('report')];
  expect((await applyRetention()).rewritten).toEqual(['report_2025_05']);
  expect(await shape()).toEqual(before);
  expect(await monthsOf('report')).toEqual({ dcos: kept.dcos });
  expect(await owner.ask(`SELECT relname FROM pg_class WHERE relname LIKE '%rewritten%'`)).toEqual(
    [],
  );
});

test('the first day with complete reports is recorded before reports are removed, and never lowered', async () => {
  await save([...eventsOf(randomUUID(), 0), ...eventsOf(randomUUID(), 0, 'octopus')]);
  await owner.ask(`INSERT INTO product_policy (product, retention_days) VALUES ('octopus', 30)`);
  const floors = () => owner.ask('SELECT product, day::text FROM retention_floor ORDER BY 1');
  await applyRetention();
  // An agent's clock may be one day ahead, so the first day of the next month may have lost reports
  // too.
  const said = [
    { product: 'dcos', day: '2025-04-02' },
    { product: 'octopus', day: '2025-06-02' },
  ];
  expect(await floors()).toEqual(said);
  await owner.ask(`UPDATE product_policy SET retention_days = 300`);
  await applyRetention();
  expect(await floors()).toEqual(said);
});

test('a row that is erased while its month is rewritten does not come back, whether it was already copied or not', async () => {
  await owner.ask(`INSERT INTO product_policy (product, retention_days) VALUES ('octopus', 30)`);
  await addReports('octopus', 4, 500);
  await addReports('dcos', 4, 3000);
  const ids = (
    await owner.ask(
      `SELECT installation_id AS id FROM report r JOIN origin o USING (origin_id)
        WHERE product = 'dcos' AND version = '9' ORDER BY r.ctid`,
    )
  ).map(({ id }) => id as string);
  const erasures = new ErasureStore({ database: connectionsOf(database.url), suppressionKey });
  const erased: string[] = [];
  let isErasing: Promise<unknown> = Promise.resolve();
  const { rewritten } = await applyRetention({
    blocksAtOnce: 4,
    onPiece: async () => {
      // Rows that have been copied and rows that have not. Some erasures run while the next pieces
      // are copied.
      const some = [...ids.splice(0, 2), ...ids.splice(-2)];
      erased.push(...some);
      await erasures.request({ mode: 'erase_and_suppress', installationIds: some }, 'erika');
      const running = carryOut(erasures);
      isErasing = Promise.all([isErasing, running]);
      if (erased.length % 8 === 0) await running;
    },
  });
  await isErasing;
  expect(rewritten).toEqual(['report_2025_05']);
  expect(erased.length).toBeGreaterThan(16);
  const count = async (products: string[]) =>
    (
      await owner.ask(
        `SELECT count(*)::int AS count FROM report JOIN origin USING (origin_id)
          WHERE product = ANY ($1) AND version = '9'`,
        [products],
      )
    )[0]!.count;
  expect(await count(['dcos'])).toBe(3000 - erased.length);
  expect(await count(['octopus'])).toBe(0);
  const left = await owner.ask('SELECT FROM report WHERE installation_id = ANY ($1)', [erased]);
  expect(left).toEqual([]);
});

test('an erasure finds rows in a month that is replaced during its search', async () => {
  await addReports('dcos', 4, 10);
  const [row] = await owner.ask('SELECT installation_id AS id FROM report_2025_05 LIMIT 1');
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  await other.query(`
    BEGIN; LOCK TABLE ONLY report IN ACCESS EXCLUSIVE MODE;
    CREATE TABLE successor AS TABLE report_2025_05;
    ALTER TABLE report DETACH PARTITION report_2025_05; DROP TABLE report_2025_05;
    ALTER TABLE successor RENAME TO report_2025_05;
    CREATE UNIQUE INDEX report_2025_05_event_key ON report_2025_05 (installation_id, event_key);
    ALTER TABLE report_2025_05 ALTER installation_id SET NOT NULL, ALTER event_key SET NOT NULL,
      ALTER received_at SET NOT NULL, ALTER observed_at SET NOT NULL, ALTER snapshot_id SET NOT NULL,
      ALTER origin_id SET NOT NULL, ALTER kind SET NOT NULL, ALTER clock SET NOT NULL;
    ALTER TABLE report ATTACH PARTITION report_2025_05 FOR VALUES FROM ('2025-05-01Z') TO ('2025-06-01Z')`);
  const erasures = new ErasureStore({ database: connectionsOf(database.url), suppressionKey });
  await erasures.request(
    { mode: 'erase_and_suppress', installationIds: [row!.id as string] },
    'erika',
  );
  const erasing = carryOut(erasures);
  await sleep(500);
  await other.query('COMMIT');
  expect(await erasing).toBe(1);
  await other.end();
  const left = 'SELECT FROM report WHERE installation_id = $1';
  expect(await owner.ask(left, [row!.id])).toEqual([]);
});

test('a rewrite includes the changes of concurrent transactions, but not rolled-back ones', async () => {
  await owner.ask(`INSERT INTO product_policy (product, retention_days) VALUES ('octopus', 30)`);
  await addReports('octopus', 4, 10);
  await addReports('dcos', 4, 1000);
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  const remove = (which: string) =>
    other.query(`DELETE FROM report WHERE received_at < '2025-06-01' AND event_key ${which}`);
  let pieces = 0;
  let ending: Promise<unknown> = Promise.resolve();
  await applyRetention({
    blocksAtOnce: 3,
    onPiece: async () => {
      pieces += 1;
      if (pieces !== 1) return;
      await other.query('BEGIN; SAVEPOINT a');
      await remove('BETWEEN 5 AND 900');
      await other.query('ROLLBACK TO a');
      await remove('IN (3, 990)');
      await other.query(
        `INSERT INTO report SELECT gen_random_uuid(), 77777, received_at, observed_at, snapshot_id, origin_id, kind, clock
           FROM report WHERE event_key = 500`,
      );
      ending = sleep(300).then(() => other.query('COMMIT'));
    },
  });
  await ending;
  await other.end();
  const rows = await owner.ask(
    `SELECT event_key::int AS key FROM report JOIN origin USING (origin_id) WHERE version = '9' ORDER BY 1`,
  );
  const numbers = Array.from({ length: 1000 }, (_, at) => at + 1);
  const expected = [...numbers.filter((n) => n !== 3 && n !== 990), 77777];
  expect(rows.map(({ key }) => key)).toEqual(expected);
  expect(pieces).toBeGreaterThan(2);
});

test('writers and queries continue during retention, and none waits for a second', async () => {
  await owner.ask(`INSERT INTO product_policy (product, retention_days) VALUES ('octopus', 30)`);
  await addReports('octopus', 4, 2000);
  await addReports('dcos', 4, 2000);
  await addReports('dcos', 0, 100);
  const [writing, asking] = [0, 1].map(
    () => new pg.Client({ connectionString: database.url, options: '-c lock_timeout=1s' }),
  ) as [pg.Client, pg.Client];
  await Promise.all([writing.connect(), asking.connect()]);
  const isOver = new AbortController();
  let writes = 0;
  const write = async () => {
    while (!isOver.signal.aborted) {
      // Locks every partition, like a batch with an earlier copy of an event.
      await writing.query('BEGIN; SELECT pg_current_xact_id()');
      await writing.query(
        `INSERT INTO report SELECT gen_random_uuid(), 1, now(), now(), snapshot_id, origin_id, kind, clock
           FROM report LIMIT 10`,
      );
      await writing.query(
        `DELETE FROM report USING (VALUES (gen_random_uuid(), 1, now())) AS k(id, key, at)
          WHERE installation_id = k.id AND event_key = k.key AND received_at = k.at`,
      );
      await writing.query('COMMIT');
      writes += 1;
    }
  };
  const ask = async () => {
    while (!isOver.signal.aborted) await asking.query('SELECT count(*), pg_sleep(0.7) FROM report');
  };
  const both = Promise.all([write(), ask()]);
  const { dropped, rewritten } = await applyRetention({ blocksAtOnce: 5 });
  isOver.abort();
  await both; // rejects if one has waited longer
  await Promise.all([writing.end(), asking.end()]);
  expect(dropped).toContain('report_2025_01');
  expect(rewritten).toEqual(['report_2025_05']);
  expect(writes).toBeGreaterThan(10);
});

test('interrupted retention leaves everything unchanged, and completes later', async () => {
  await owner.ask(`INSERT INTO product_policy (product, retention_days) VALUES ('octopus', 30)`);
  await addReports('octopus', 4, 500);
  await addReports('dcos', 4, 1000);
  const stop = new AbortController();
  const stopped = applyRetention({
    ...{ blocksAtOnce: 3, signal: stop.signal },
    onPiece: () => stop.abort(),
  });
  await expect(stopped).rejects.toThrow();
  expect(await monthsOf('report')).toEqual({ dcos: '4', octopus: '4' });
  await owner.ask(`DELETE FROM report WHERE event_key = 1000`);
  expect((await applyRetention()).rewritten).toEqual(['report_2025_05']);
  expect(await monthsOf('report')).toEqual({ dcos: '4' });
  const left = await owner.ask(`SELECT FROM report WHERE event_key = 1000`);
  const successors = await owner.ask(`SELECT FROM pg_class WHERE relname LIKE '%rewritten%'`);
  expect([left, successors]).toEqual([[], []]);
});

test('a process that lost a month to another one does not replace the month by the other’s unfinished copy', async () => {
  await owner.ask(`INSERT INTO product_policy (product, retention_days) VALUES ('octopus', 30)`);
  await addReports('octopus', 4, 50);
  await addReports('dcos', 4, 100);
  const before = await owner.ask('SELECT FROM report_2025_05');
  const rewriting = applyRetention({
    // The other process has dropped the copy, and has just begun a new one.
    onPiece: async () => {
      await owner.ask(`
        DROP TRIGGER follow_rewrite ON report_2025_05; DROP TABLE report_2025_05_rewritten;
        CREATE TABLE report_2025_05_rewritten AS TABLE report_2025_05 WITH NO DATA;
        INSERT INTO report_2025_05_rewritten SELECT * FROM report_2025_05 LIMIT 1`);
    },
  });
  await expect(rewriting).rejects.toMatchObject({ name: 'RewriteLost' });
  expect(await owner.ask('SELECT FROM report_2025_05')).toHaveLength(before.length);
});

test('a month whose drop was interrupted is dropped, and a manually detached month is not', async () => {
  await save(eventsOf(randomUUID(), 0));
  await save(eventsOf(randomUUID(), 1));
  await owner.ask('ALTER TABLE report DETACH PARTITION report_2025_01');
  await owner.ask(`COMMENT ON TABLE report_2025_01 IS 'expired'`);
  await owner.ask('ALTER TABLE report DETACH PARTITION report_2025_02');
  const { dropped } = await applyRetention();
  expect(dropped).toContain('report_2025_01');
  const left = await owner.ask(
    `SELECT to_regclass('report_2025_01') AS first, to_regclass('report_2025_02')::text AS second`,
  );
  expect(left).toEqual([{ first: null, second: 'report_2025_02' }]);
});

test('expired rows of unpartitioned tables are removed, except the consent event that still applies', async () => {
  const id = randomUUID();
  for (const month of MONTHS) await save(eventsOf(id, month));
  await owner.ask(
    `INSERT INTO unidentified_event SELECT 'dcos', m, 'r', 'p', gen_random_uuid(), '{}', 1
       FROM generate_series(timestamptz '2025-01-15Z', '2025-07-15Z', '1 month') m`,
  );
  const byMonth = async (table: string, time: string) =>
    (
      await owner.ask(
        `SELECT string_agg(DISTINCT (extract(month FROM ${time} AT TIME ZONE 'UTC') - 1)::text, '') AS months FROM ${table}`,
      )
    )[0]!.months;
  const { removed } = await applyRetention({ rollupRetentionDays: 100 });
  expect(removed).toEqual({
    ...{ defect: 3, original_event: 3, consent_event: 2, unidentified_event: 3, ingest_tally: 3 },
  });
  expect(await byMonth('defect', 'received_at')).toBe('3456');
  // The last expired consent event applies until the first unexpired one.
  expect(await byMonth('consent_event', 'received_at')).toBe('23456');
  expect(await byMonth('unidentified_event', 'hour')).toBe('3456');
  expect(await byMonth('ingest_tally', 'hour')).toBe('3456');
  // Quarantined events have a separate retention, together with their originals.
  expect(await byMonth('original_event', 'received_at')).toBe('0123456');
  expect(await byMonth('quarantined_event', 'received_at')).toBe('0123456');
  const unbalanced = await owner.ask('SELECT FROM fleet.ingest_balance WHERE unaccounted <> 0');
  expect(unbalanced).toEqual([]);

  await applyRetention({ now: NOW + 1000 * DAY_MS });
  expect(await byMonth('consent_event', 'received_at')).toBe('6');
});

test('only an installation without any remaining rows is removed', async () => {
  const [silent, heard, spoken] = [randomUUID(), randomUUID(), randomUUID()];
  const health = (id: string, month: number) => eventsOf(id, month).slice(0, 1);
  await save(health(silent, 0));
  await save([...health(heard, 6)]);
  await save([...eventsOf(spoken, 0)]);
  await applyRetention();
  const known = async () =>
    (await owner.ask('SELECT installation_id AS id FROM installation')).map(
      ({ id }) => id as string,
    );
  // Its opt-out and its quarantined events remain.
  expect((await known()).sort()).toEqual([heard, spoken].sort());
});

test('an installation that reports again while it is being removed stays', async () => {
  const id = randomUUID();
  await save(eventsOf(id, 0).slice(0, 1));
  const holder = new pg.Client({ connectionString: database.url });
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE resource_reading IN ACCESS EXCLUSIVE MODE');
  const saving = save(eventsOf(id, 6).slice(0, 2)); // waits while it holds a lock on the installation
  await expect
    .poll(() => owner.ask(`SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation'`))
    .not.toEqual([]);
  await holder.query('COMMIT');
  await Promise.all([saving, applyRetention()]);
  await holder.end();
  expect(await owner.ask('SELECT installation_id FROM installation')).toEqual([
    { installation_id: id },
  ]);
  expect(await monthsOf('report')).toEqual({ dcos: '6' });
});
