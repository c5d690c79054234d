import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { ErasureStore, MaintenanceStore } from '#storage';
import { connectionsOf } from './support/database.js';
import { carryOut } from './support/erasures.js';
import { EXPECTED } from './support/expected-rollups.js';
import { event, RolledUp, suppressionKey } from './support/rolled-up.js';

let it: RolledUp;
let erasures: ErasureStore;

beforeAll(async () => {
  it = await RolledUp.create();
  erasures = new ErasureStore({ database: connectionsOf(it.database.url), suppressionKey });
});
beforeEach(() => it.empty());
afterAll(() => it.drop());

/** Locks a table, so that a statement that needs it takes as long as for a huge day. */
async function hold(table: string) {
  const client = new pg.Client({ connectionString: it.database.url });
  await client.connect();
  await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
  return () => client.end();
}

const erase = async (...installationIds: string[]) => {
  await erasures.request({ mode: 'erase', installationIds }, 'erika');
  return carryOut(erasures);
};
const rows = async (select: string) =>
  (await it.ask(`SELECT t::text AS row FROM (${select}) t ORDER BY 1`)).map(({ row }) => row);

async function expectRightSums() {
  for (const [view, expected] of Object.entries(EXPECTED)) {
    expect(await rows(`SELECT * FROM fleet.${view}`), view).toEqual(await rows(expected));
  }
}

test('an erasure does not wait for a refresh that reads a huge day', async () => {
  const [erased, kept] = [randomUUID(), randomUUID()];
  await it.save(event(erased, 3), event(erased, 2), event(kept, 2));
  await it.rollups.refresh();
  await it.save(event(kept, 2, 13), event(erased, 2, 13));
  // The refresh has the lock of the rollups, and reads until this lock is released.
  const release = await hold('retention_floor');
  const refreshing = it.rollups.refresh();
  await vi.waitFor(async () => {
    const waiting = await it.ask(
      `SELECT FROM pg_locks WHERE NOT granted AND relation = 'retention_floor'::regclass`,
    );
    expect(waiting).not.toEqual([]);
  });
  const completed = await erase(erased);
  await release();
  await refreshing;
  expect(completed).toBe(1);
  await it.rollups.refresh();
  expect(await it.ask('SELECT FROM installation_day WHERE installation_id = $1', [erased])).toEqual(
    [],
  );
  await expectRightSums();
});

test('an erasure does not wait for the sums of a huge day, and the next refresh corrects them', async () => {
  const [erased, kept] = [randomUUID(), randomUUID()];
  await it.save(event(erased, 3), event(erased, 2), event(kept, 2));
  await it.rollups.refresh();
  await it.save(event(kept, 2, 13), event(erased, 2, 13), event(randomUUID(), 1));
  await it.ask(`
    CREATE TABLE slowness AS SELECT 600 AS seconds;
    CREATE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN PERFORM pg_sleep(seconds) FROM slowness; RETURN NEW; END';
    CREATE TRIGGER takes_long BEFORE INSERT ON unit_day FOR EACH ROW EXECUTE FUNCTION take_long()`);
  const refreshing = it.rollups.refresh().catch((error: unknown) => error);
  await vi.waitFor(async () => {
    const [sleeping] = await it.ask(
      `SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`,
    );
    expect(sleeping).toBeDefined();
  });
  // Long before the statement would have completed.
  expect(await erase(erased)).toBe(1);
  await it.ask('DELETE FROM slowness');
  await it.ask(
    `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`,
  );
  await refreshing;
  await it.rollups.refresh();
  await it.ask('DROP FUNCTION take_long CASCADE; DROP TABLE slowness');
  await expectRightSums();
}, 60_000);

test('a day that takes too long is read in pieces, with the same result', async () => {
  const ids = Array.from({ length: 40 }, () => randomUUID());
  await it.save(...ids.flatMap((id) => [event(id, 3), event(id, 2)]));
  await it.rollups.refresh();
  await it.save(...ids.slice(0, 30).map((id) => event(id, 2, 13, { version: '2.2' })));
  await it.ask(
    `
    DELETE FROM report WHERE installation_id = ANY ($1::uuid[])`,
    [ids.slice(30)],
  );
  await it.ask(`
    WITH taken AS (DELETE FROM rollup_change RETURNING day)
    INSERT INTO rollup_stale (day, part, modulus, remainder)
    SELECT DISTINCT d.day, 0, 8, r FROM (SELECT day FROM taken UNION SELECT day FROM installation_day) d,
           generate_series(0, 7) AS r`);
  await it.rollups.refresh();
  expect(await it.ask('SELECT FROM installation_day')).toHaveLength(60);
  await expectRightSums();
});

test('an erasure does not wait for the removal of old days, and an interrupted removal completes later', async () => {
  const [erased, kept] = [randomUUID(), randomUUID()];
  await it.save(event(erased, 40), event(kept, 40), event(kept, 30), event(kept, 2));
  await it.rollups.refresh();
  const house = new MaintenanceStore(connectionsOf(it.database.url));
  const options = { retentionDays: 400, rollupRetentionDays: 20 };
  // The removal has started and waits. Its work so far is committed.
  const release = await hold('installation_day_events');
  const stopping = new AbortController();
  const forgetting = house
    .applyRetention({ ...options, signal: stopping.signal })
    .catch((error: unknown) => error);
  await vi.waitFor(async () => {
    const [state] = await it.ask(
      'SELECT days_since FROM rollup_state WHERE days_since IS NOT NULL',
    );
    expect(state).toBeDefined();
  });
  stopping.abort();
  await forgetting;
  await release();
  expect(await erase(erased)).toBe(1);
  await house.applyRetention({ ...options, signal: new AbortController().signal });
  await it.rollups.refresh();
  expect(await it.ask(`SELECT (current_date - day)::int AS ago FROM installation_day`)).toEqual([
    { ago: 2 },
  ]);
});

test('old sums are removed in transactions of limited size', async () => {
  await it.save(event(randomUUID(), 40), event(randomUUID(), 2));
  await it.rollups.refresh();
  await it.ask(`
    INSERT INTO unit_day SELECT '2020-01-01', 'dcos', '', 'unit-' || n, '', 1, 0, 1, 0
      FROM generate_series(1, 30000) AS n;
    CREATE TABLE pieces (size bigint);
    CREATE FUNCTION note_piece() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
      'BEGIN INSERT INTO pieces SELECT count(*) FROM gone; RETURN NULL; END';
    CREATE TRIGGER noting AFTER DELETE ON unit_day REFERENCING OLD TABLE AS gone
      FOR EACH STATEMENT EXECUTE FUNCTION note_piece()`);
  const house = new MaintenanceStore(connectionsOf(it.database.url));
  const { signal } = new AbortController();
  await house.applyRetention({ retentionDays: 400, rollupRetentionDays: 20, signal });
  const [left] = await it.ask(
    `SELECT count(*)::int AS count FROM unit_day WHERE day < '2021-01-01'`,
  );
  const [pieces] = await it.ask('SELECT max(size)::int AS most FROM pieces');
  await it.ask('DROP FUNCTION note_piece CASCADE; DROP TABLE pieces');
  expect({ ...left, ...pieces }).toEqual({ count: 0, most: 20_000 });
});
