import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Database, ErasureStore, MaintenanceStore, TelemetryStore } from '#storage';
import { compileProducts, normalise, type EventEnvelope } from '#telemetry';
import { Asker, createDatabase, type TestDatabase, connectionsOf } from './support/database.js';
import { carryOut } from './support/erasures.js';

const NOW = Date.UTC(2025, 6, 15);
const DAY_MS = 86_400_000;
const OPTIONS = { products: compileProducts(), retentionMs: 400 * DAY_MS };
const suppressionKey = 'only-for-tests';
/** Enough rows that compacting an index is worthwhile. */
const MANY = 30_000;
const JUNE = 'report_2025_06_event_key';
const NOTHING = { rebuilt: [], savedBytes: 0 };

let database: TestDatabase;
let owner: Asker;
let writer: TelemetryStore;
let house: MaintenanceStore;
/** A second session that blocks others. */
let other: pg.Client;

beforeEach(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  const databaseUrl = database.appUrl;
  writer = new TelemetryStore({ database: connectionsOf(databaseUrl), suppressionKey });
  house = new MaintenanceStore(connectionsOf(databaseUrl));
  other = new pg.Client({ connectionString: database.url });
  await other.connect();
});

afterEach(async () => {
  await other.end();
  await owner.end();
  await database.drop();
});

const compact = ({ now = NOW, signal = new AbortController().signal } = {}) =>
  house.compact({ now, signal });

/** A page view in the middle of a month of 2025. */
function visitIn(month: number, id = randomUUID(), installationId = randomUUID()): EventEnvelope {
  const receivedAt = Date.UTC(2025, month, 15);
  return {
    ...{ receivedAt, product: 'dcos', id, installationId, event: 'page' },
    ...{ userKey: '7', visitorKey: '8', properties: { path: '/nodes' } },
  };
}

async function save(envelope: EventEnvelope) {
  const { product, receivedAt } = envelope;
  await writer.save({
    ...{ batchId: randomUUID(), gatheredAt: receivedAt },
    accepted: [{ product, hour: receivedAt, count: 1 }],
    events: [normalise(envelope, OPTIONS)],
  });
}

const COLUMNS = {
  report: 'received_at, observed_at, snapshot_id, origin_id, kind, clock',
  ui_reading: 'received_at, observed_at, snapshot_id, origin_id, user_key, visitor_key',
};

/** Inserts rows by SQL. Like those of agents, their keys are in random order. */
async function addRows(month: number, count = MANY, table: keyof typeof COLUMNS = 'report') {
  await save(visitIn(month));
  const columns = COLUMNS[table];
  await owner.ask(
    `INSERT INTO ${table}_2025_0${month + 1} (installation_id, event_key, ${columns})
     SELECT gen_random_uuid(), n, ${columns} FROM generate_series(1, $1) n
      CROSS JOIN (SELECT * FROM ${table}_2025_0${month + 1} LIMIT 1) one`,
    [count],
  );
}

async function bytesOf(index: string): Promise<number> {
  const [row] = await owner.ask('SELECT pg_relation_size($1::regclass)::float8 AS bytes', [index]);
  return row?.bytes as number;
}

const indexesOf = async (table: string) =>
  (
    await owner.ask(
      `SELECT relname AS name, indisvalid AS valid FROM pg_index JOIN pg_class c ON c.oid = indexrelid
        WHERE indrelid = $1::regclass AND indisunique ORDER BY 1`,
      [table],
    )
  ).map(({ name, valid }) => `${name} ${valid ? 'valid' : 'invalid'}`);

/** Whether a reindex waits for another transaction to end. */
const isWaiting = async () =>
  (
    await owner.ask(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'REINDEX%'
          AND wait_event_type = 'Lock' AND wait_event = 'virtualxid'`,
    )
  ).length > 0;

/** Blocks a reindex in the phase in which the new index is written to but not read. */
async function blockReindex() {
  await other.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM product_policy');
}

/** Leaves the state of a reindex whose process died. */
async function interruptReindex() {
  await blockReindex();
  const killed = new pg.Client({ connectionString: database.appUrl });
  await killed.connect();
  const ended = expect(killed.query(`REINDEX INDEX CONCURRENTLY ${JUNE}`)).rejects.toThrow();
  await expect.poll(() => isWaiting()).toBe(true);
  await owner.ask(
    `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND query LIKE 'REINDEX%'`,
  );
  await ended;
  await killed.end();
  await other.query('COMMIT');
  expect(await indexesOf('report_2025_06')).toEqual([`${JUNE} valid`, `${JUNE}_ccnew invalid`]);
}

test('the indexes of a past month are compacted once, and those of the current month are not', async () => {
  await addRows(5);
  await addRows(5, MANY, 'ui_reading');
  await addRows(6);
  const [loose, present] = [await bytesOf(JUNE), await bytesOf('report_2025_07_event_key')];
  expect(loose / MANY).toBeGreaterThan(45);

  expect(await compact({ now: Date.UTC(2025, 6, 2) })).toEqual(NOTHING); // the month must be over for two days
  const { rebuilt, savedBytes } = await compact();
  expect(rebuilt.sort()).toEqual([JUNE, 'ui_reading_2025_06_event_key']);
  const packed = await bytesOf(JUNE);
  expect(packed / MANY).toBeLessThan(38);
  expect(savedBytes).toBeGreaterThan(loose - packed);
  expect(await bytesOf('report_2025_07_event_key')).toBe(present);

  expect(await compact()).toEqual(NOTHING);
  await owner.ask('VACUUM ANALYZE report_2025_06');
  expect(await compact()).toEqual(NOTHING);
});

test('an index of one megabyte is not compacted', async () => {
  await addRows(5, 15_000);
  await owner.ask('VACUUM ANALYZE report_2025_06');
  expect(await compact()).toEqual(NOTHING);
});

test('compaction reclaims the space of a large erasure', async () => {
  await addRows(5, 2 * MANY);
  await compact();
  await owner.ask(
    `DELETE FROM report WHERE installation_id < '40000000-0000-0000-0000-000000000000'`,
  );
  await owner.ask('VACUUM report_2025_06');
  const before = await bytesOf(JUNE);
  const { rebuilt, savedBytes } = await compact();
  expect(rebuilt).toEqual([JUNE]);
  expect(savedBytes / before).toBeCloseTo(0.25, 1);
  expect(await compact()).toEqual(NOTHING);
});

test('during compaction, events are stored, duplicates are detected and installations are erased', async () => {
  await addRows(5);
  const [early, late, erased] = [visitIn(5), visitIn(5), visitIn(5)];
  for (const visit of [early, erased]) await save(visit);
  await blockReindex();
  const compacted = compact();
  await expect.poll(() => isWaiting()).toBe(true);

  await save(late);
  await save(late);
  await save({ ...early, receivedAt: early.receivedAt - 1000 }); // the earlier copy counts
  const erasures = new ErasureStore({ database: connectionsOf(database.appUrl), suppressionKey });
  await erasures.request({ mode: 'erase', installationIds: [erased.installationId] }, 'erika');
  expect(await carryOut(erasures)).toBe(1);

  await other.query('COMMIT');
  expect((await compacted).rebuilt).toEqual([JUNE]);
  expect(await indexesOf('report_2025_06')).toEqual([`${JUNE} valid`]);
  const timesOf = async ({ installationId }: EventEnvelope) =>
    (
      await owner.ask('SELECT received_at AS at FROM report WHERE installation_id = $1', [
        installationId,
      ])
    ).map(({ at }) => (at as Date).getTime());
  expect(await timesOf(early)).toEqual([early.receivedAt - 1000]);
  expect(await timesOf(late)).toEqual([late.receivedAt]);
  expect(await timesOf(erased)).toEqual([]);
  const again = `INSERT INTO report SELECT * FROM report WHERE installation_id = $1`;
  await expect(owner.ask(again, [late.installationId])).rejects.toThrow(JUNE);
  expect(await owner.ask('SELECT FROM fleet.ingest_balance WHERE unaccounted <> 0')).toEqual([]);
});

test('the next run removes the invalid index of an interrupted compaction', async () => {
  await addRows(5);
  await interruptReindex();
  expect((await compact()).rebuilt).toEqual([JUNE]);
  expect(await indexesOf('report_2025_06')).toEqual([`${JUNE} valid`]);

  await interruptReindex();
  expect(await compact()).toEqual(NOTHING);
  expect(await indexesOf('report_2025_06')).toEqual([`${JUNE} valid`]);
});

test('compaction that waits for an analyst stops with its worker, and completes in a later run', async () => {
  await addRows(5);
  await blockReindex();
  const stop = new AbortController();
  const stopped = expect(compact({ signal: stop.signal })).rejects.toThrow();
  await expect.poll(() => isWaiting()).toBe(true);
  stop.abort();
  await stopped;
  await other.query('COMMIT');
  expect((await compact()).rebuilt).toEqual([JUNE]);
  expect(await indexesOf('report_2025_06')).toEqual([`${JUNE} valid`]);
});

test('compaction that runs out of disk space leaves nothing behind', async () => {
  await addRows(5);
  const name = new URL(database.url).pathname.slice(1);
  await owner.ask(`ALTER DATABASE ${name} SET temp_file_limit = '100kB'`);
  await owner.ask(`ALTER DATABASE ${name} SET maintenance_work_mem = '1MB'`);
  const options = { databaseUrl: database.appUrl, name: 'muster-test', connections: 3 };
  const limited = new Database(options);
  const { signal } = new AbortController();
  const compacting = new MaintenanceStore(limited).compact({ now: NOW, signal });
  await expect(compacting).rejects.toMatchObject({ code: '53400' });
  await limited.close();
  expect(await indexesOf('report_2025_06')).toEqual([`${JUNE} valid`]);
});

test('retention waits while a month is compacted, and a month that it rewrites is compacted later', async () => {
  const retention = new MaintenanceStore(connectionsOf(database.appUrl));
  const applyRetention = (onPiece?: () => Promise<void>) =>
    retention.applyRetention({
      ...{ retentionDays: 60, rollupRetentionDays: 1830, now: NOW, blocksAtOnce: 500 },
      ...{ signal: new AbortController().signal, ...(onPiece && { onPiece }) },
    });
  await addRows(3);
  await addRows(5);
  await other.query('BEGIN; LOCK TABLE report_2025_04 IN ROW EXCLUSIVE MODE'); // as a writer does
  const compacted = compact();
  await expect.poll(() => isWaiting()).toBe(true);
  const retained = applyRetention();
  await expect.poll(() => owner.ask('SELECT FROM retention_floor')).not.toEqual([]);
  await other.query('COMMIT');
  expect((await compacted).rebuilt).toEqual(['report_2025_04_event_key', JUNE]);
  expect((await retained).dropped).toContain('report_2025_04');

  await owner.ask(`INSERT INTO product_policy (product, retention_days) VALUES ('octopus', 10)`);
  await owner.ask(
    `INSERT INTO origin (product, version, variant, provider, platform, source)
     VALUES ('octopus', '9', '', '', '', '')`,
  );
  await owner.ask(
    `UPDATE report SET origin_id = (SELECT origin_id FROM origin WHERE product = 'octopus')
      WHERE installation_id < '40000000-0000-0000-0000-000000000000'`,
  );
  const meanwhile: unknown[] = [];
  const { rewritten } = await applyRetention(async () => void meanwhile.push(await compact()));
  expect(rewritten).toEqual(['report_2025_06']);
  expect(new Set(meanwhile.map((it) => JSON.stringify(it)))).toEqual(
    new Set([JSON.stringify(NOTHING)]),
  );
  expect((await compact()).rebuilt).toEqual([JUNE]);
  expect(await indexesOf('report_2025_06')).toEqual([`${JUNE} valid`]);
});
