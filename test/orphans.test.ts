import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MaintenanceStore, TelemetryStore } from '#storage';
import { compileProducts, normalise, reportKinds } from '#telemetry';
import { Asker, createDatabase, type TestDatabase, connectionsOf } from './support/database.js';
import { atScale } from './support/scale.js';
import { randomLetters } from './support/letters.js';

const NOW = Date.now();
const OPTIONS = { products: compileProducts(), retentionMs: 400 * 86_400_000 };
const suppressionKey = 'only-for-tests';

let database: TestDatabase;
let owner: Asker;
let writers: TelemetryStore[];
let house: MaintenanceStore;

beforeAll(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  writers = Array.from(
    { length: 2 },
    () => new TelemetryStore({ database: connectionsOf(database.url), suppressionKey }),
  );
  house = new MaintenanceStore(connectionsOf(database.url));
});

afterAll(async () => {
  await owner.end();
  await database.drop();
});

const collect = () => house.collectOrphans(new AbortController().signal);

/** A health report of one unit, with its own provider, or another event of its installation. */
async function report(
  writer: TelemetryStore,
  unit: string,
  provider: string,
  { id = randomUUID(), event = 'health' } = {},
) {
  const envelope = {
    ...{ receivedAt: NOW, product: 'dcos', id: randomUUID(), installationId: id, event },
    properties: {
      ...{ [`health-unit-${unit}-total`]: 1, [`health-unit-${unit}-unhealthy`]: 0 },
      ...{ environmentVersion: '1.9', provider },
    },
  };
  await writer.save({
    ...{ batchId: randomUUID(), gatheredAt: NOW },
    accepted: [{ product: 'dcos', hour: NOW, count: 1 }],
    events: [normalise(envelope, OPTIONS)],
  });
}

/** Deletes reports as retention does, and everything that refers to their source. */
async function drop(unit: string) {
  await owner.ask(
    `DELETE FROM report WHERE snapshot_id IN (
       SELECT snapshot_id FROM health_snapshot JOIN unit_set USING (unit_set_id) WHERE $1 = ANY (units))`,
    [unit],
  );
  await owner.ask(
    'DELETE FROM installation i WHERE NOT EXISTS (SELECT FROM report r WHERE r.installation_id = i.installation_id)',
  );
}

const unitsOf = async (table: 'unit_set' | 'fleet.health_readings') => {
  const column = table === 'unit_set' ? 'unnest(units)' : 'unit';
  const rows = await owner.ask(`SELECT DISTINCT ${column} AS unit FROM ${table}`);
  return rows.map(({ unit }) => unit as string).sort();
};
const origins = async () =>
  (await owner.ask('SELECT provider FROM origin ORDER BY 1')).map(({ provider }) => provider);

const dangling = () =>
  owner.ask(
    `SELECT count(*) FILTER (WHERE s.snapshot_id IS NULL)::int AS contents,
            count(*) FILTER (WHERE u.unit_set_id IS NULL)::int AS sets,
            count(*) FILTER (WHERE o.origin_id IS NULL)::int AS origins
       FROM report r LEFT JOIN health_snapshot s USING (snapshot_id)
       LEFT JOIN unit_set u USING (unit_set_id) LEFT JOIN origin o USING (origin_id)
      WHERE r.kind = ${reportKinds.health}`,
  );
const NONE = [{ contents: 0, sets: 0, origins: 0 }];

test('a snapshot is collected with its last report, and a shared one stays', async () => {
  await report(writers[0]!, 'lonely', 'aws');
  await report(writers[0]!, 'shared', 'azure');
  await report(writers[0]!, 'shared', 'onprem');
  expect(await collect()).toEqual({});
  await drop('lonely');
  await owner.ask(
    `DELETE FROM report r USING origin o WHERE r.origin_id = o.origin_id AND o.provider = 'azure'`,
  );
  await owner.ask(
    `DELETE FROM installation i USING origin o WHERE i.origin_id = o.origin_id AND o.provider = 'azure'`,
  );
  expect(await collect()).toEqual({ health_snapshot: 1, unit_set: 1, origin: 2 });
  expect(await unitsOf('unit_set')).toEqual(['shared']);
  expect(await origins()).toEqual(['onprem']);
});

test('a snapshot that any table references stays, even without a report', async () => {
  const [unit, provider] = [randomLetters(), randomLetters()];
  await report(writers[0]!, unit, provider);
  await owner.ask(
    `CREATE TABLE kept_day AS
     SELECT snapshot_id AS last_health_snapshot_id, r.origin_id AS last_origin_id
       FROM report r JOIN origin USING (origin_id) WHERE provider = $1`,
    [provider],
  );
  await drop(unit);
  expect(await collect()).toEqual({});
  expect(await unitsOf('unit_set')).toContain(unit);
  expect(await origins()).toContain(provider);
  await owner.ask('DROP TABLE kept_day');
  expect(await collect()).toEqual({ health_snapshot: 1, unit_set: 1, origin: 1 });
});

test('contents that an erasure will collect are left to it', async () => {
  const [unit, provider] = [randomLetters(), randomLetters()];
  await report(writers[0]!, unit, provider);
  await owner.ask(
    `INSERT INTO erasure_snapshot SELECT gen_random_uuid(), snapshot_id
       FROM report JOIN origin USING (origin_id) WHERE provider = $1`,
    [provider],
  );
  await drop(unit);
  expect(await collect()).toEqual({ origin: 1 });
  expect(await unitsOf('unit_set')).toContain(unit);
  await owner.ask('DELETE FROM erasure_snapshot');
  expect(await collect()).toEqual({ health_snapshot: 1, unit_set: 1 });
});

test('a worker with a collected snapshot in its cache writes it again with its next report', async () => {
  const [unit, provider] = [randomLetters(), randomLetters()];
  await report(writers[0]!, unit, provider);
  await report(writers[1]!, unit, provider);
  await drop(unit);
  await collect();
  expect(await unitsOf('unit_set')).not.toContain(unit);
  expect(await origins()).not.toContain(provider);
  await report(writers[1]!, unit, provider);
  expect(await unitsOf('fleet.health_readings')).toContain(unit);
  expect(await origins()).toContain(provider);
  expect(await dangling()).toEqual(NONE);
});

test('a source that only an event from an opted-out period named may be collected, and is written again', async () => {
  const id = randomUUID();
  await report(writers[0]!, 'any', 'p-any', { id, event: 'opted_out' });
  await report(writers[0]!, 'unnamed', 'p-unnamed');
  await drop('unnamed');
  const holder = new pg.Client(database.url);
  await holder.connect();
  await holder.query(`BEGIN; SELECT FROM origin WHERE provider = 'p-unnamed' FOR KEY SHARE`);
  const collecting = collect();
  await expect
    .poll(
      () => owner.ask(`SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'`),
      {
        timeout: 10_000,
      },
    )
    .not.toEqual([]);
  await report(writers[0]!, 'unnamed', 'p-unnamed', { id }); // after the writers were asked to look again
  await holder.query('COMMIT');
  await holder.end();
  expect(await collecting).toMatchObject({ origin: 1 });
  expect(await origins()).not.toContain('p-unnamed');
  await report(writers[0]!, 'unnamed', 'p-unnamed');
  expect(await dangling()).toEqual(NONE);
  expect(await origins()).toContain('p-unnamed');
});

test('a report that is being stored during a collection keeps its snapshot', async () => {
  const [unit, provider] = [randomLetters(), randomLetters()];
  await report(writers[0]!, unit, provider);
  await drop(unit);
  const holder = new pg.Client({ connectionString: database.url });
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE installation IN SHARE MODE');
  const reporting = report(writers[0]!, unit, provider);
  await expect
    .poll(() => owner.ask(`SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation'`))
    .not.toEqual([]);
  const [before] = await owner.ask('SELECT epoch FROM snapshot_epoch');
  const collecting = collect();
  await expect.poll(() => owner.ask('SELECT epoch FROM snapshot_epoch')).not.toEqual([before]);
  await holder.query('COMMIT');
  await holder.end();
  await Promise.all([reporting, collecting]);
  expect(await unitsOf('fleet.health_readings')).toContain(unit);
  expect(await dangling()).toEqual(NONE);
});

test('no report lacks its snapshot or source, however writers and collections interleave', async () => {
  const units = Array.from({ length: 6 }, randomLetters);
  const isOver = new AbortController();
  const some = () => units[Math.floor(Math.random() * units.length)]!;
  let written = 0;
  const writing = writers.map(async (writer) => {
    while (!isOver.signal.aborted) {
      const unit = some();
      await report(writer, unit, unit);
      written += 1;
    }
  });
  let collected = 0;
  for (let turn = 0; turn < atScale(20, 40); turn += 1) {
    await drop(some());
    const { origin = 0, unit_set = 0 } = await collect();
    collected += origin + unit_set;
  }
  isOver.abort();
  await Promise.all(writing);
  expect(await dangling()).toEqual(NONE);
  expect(written).toBeGreaterThan(20);
  expect(collected).toBeGreaterThan(0);
}, 60_000);
