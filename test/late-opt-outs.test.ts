import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { PurgeStore, TelemetryStore } from '#storage';
import { balanceOf } from './support/balance.js';
import { connectionsOf } from './support/database.js';
import { EXPECTED } from './support/expected-rollups.js';
import { event, RolledUp, suppressionKey } from './support/rolled-up.js';

/** More than one step removes. */
const HOURS = 2100;
const DAYS = Math.ceil(HOURS / 24);
const LEAKED = '0123456789abcdef';

let it: RolledUp;
let worker: TelemetryStore;

beforeAll(async () => {
  it = await RolledUp.create();
  worker = new TelemetryStore({ database: connectionsOf(it.database.appUrl), suppressionKey });
});
beforeEach(async () => {
  await it.empty();
  await it.ask('DELETE FROM opt_out_removal');
});
afterAll(() => it.drop());

/** An installation with hourly reports from a midnight on, and a late opt-out from two hours later. */
async function optOutLate(sender = {}): Promise<string> {
  const id = randomUUID();
  const hourly = Array.from({ length: HOURS }, (_, hour) => event(id, DAYS, hour));
  hourly.push(event(id, DAYS, HOURS, { event: 'nobody.knows' }));
  await it.save(...hourly);
  await it.save({ ...event(id, DAYS, 2, { event: 'opted_out', properties: {} }), ...sender });
  return id;
}

async function removeAll(): Promise<number> {
  for (let steps = 0; ; steps += 1) if (!(await worker.removeOptedOut())) return steps;
}

const waiting = () => it.ask('SELECT installation_id FROM opt_out_removal');
const textOf = (select: string) => it.ask(`SELECT t::text FROM (${select}) t ORDER BY 1`);
const hoursOf = async (id: string) => {
  const rows = await it.ask(
    'SELECT observed_at FROM report WHERE installation_id = $1 ORDER BY 1',
    [id],
  );
  const start = Date.parse(event(id, DAYS, 0).occurredAt as string);
  return rows.map(({ observed_at: at }) => ((at as Date).getTime() - start) / 3_600_000);
};

test('a late opt-out with more events than one step removes is carried out in several steps', async () => {
  const id = await optOutLate();
  expect(await balanceOf(it.ask)).toMatchObject({ stored: HOURS + 1, quarantined: 1 });
  expect(await it.ask('SELECT opted_out FROM fleet.installations')).toEqual([{ opted_out: true }]);
  // Further events are judged at once.
  await it.save(event(id, 0, 1));
  expect(await balanceOf(it.ask)).toMatchObject({ stored: HOURS + 1, opted_out: 1 });

  await worker.removeOptedOut();
  await it.rollups.refresh();
  expect(await removeAll()).toBe(1);
  expect(await waiting()).toEqual([]);
  expect(await hoursOf(id)).toEqual([0, 1, 2]);
  expect(await it.ask('SELECT FROM quarantined_event')).toEqual([]);
  expect(await balanceOf(it.ask)).toMatchObject({
    ...{ accepted: HOURS + 3, stored: 3, quarantined: 0, opted_out: HOURS },
  });
  const [seen] = await it.ask('SELECT last_seen_at FROM installation');
  expect(seen!.last_seen_at).toEqual(new Date(event(id, DAYS, 2).occurredAt as string));
  await it.rollups.refresh();
  for (const [view, expected] of Object.entries(EXPECTED)) {
    expect(await textOf(`SELECT * FROM fleet.${view}`), view).toEqual(await textOf(expected));
  }
}, 60_000);

test('a removal whose worker is killed in a step is completed by another worker', async () => {
  const id = await optOutLate();
  expect(await worker.removeOptedOut()).toBe(true);
  const before = await balanceOf(it.ask);
  await it.ask(`
    CREATE FUNCTION kill() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
    CREATE TRIGGER killing AFTER INSERT OR UPDATE ON ingest_tally EXECUTE FUNCTION kill()`);
  await expect(worker.removeOptedOut()).rejects.toThrow();
  await it.ask('DROP FUNCTION kill CASCADE');
  expect(await balanceOf(it.ask)).toEqual(before);

  const other = new TelemetryStore({ database: connectionsOf(it.database.url), suppressionKey });
  const steps = await Promise.all([worker.removeOptedOut(), other.removeOptedOut()]);
  expect(steps).toContain(true);
  await removeAll();
  expect(await waiting()).toEqual([]);
  expect(await hoursOf(id)).toEqual([0, 1, 2]);
  expect(await balanceOf(it.ask)).toMatchObject({ stored: 3, opted_out: HOURS - 1 });
}, 60_000);

test('events after an opt-in that arrives between two steps are kept', async () => {
  const id = await optOutLate();
  await worker.removeOptedOut();
  const left = await hoursOf(id);
  await it.save(event(id, DAYS, 100, { event: 'opted_in', properties: {} }));
  await removeAll();
  const kept = [...left.filter((hour) => hour <= 2 || hour >= 100), 100].sort((a, b) => a - b);
  expect(kept.length).toBeGreaterThan(4);
  expect(await hoursOf(id)).toEqual(kept);
  expect(await balanceOf(it.ask)).toMatchObject({ stored: kept.length });
}, 60_000);

test('a removal leaves the events of an installation to its erasure', async () => {
  const id = await optOutLate();
  await it.ask('INSERT INTO erasure_target (installation_id, erasure_id) VALUES ($1, $2)', [
    id,
    randomUUID(),
  ]);
  expect(await removeAll()).toBe(0);
  expect(await hoursOf(id)).toHaveLength(HOURS + 1);
}, 60_000);

test('a removal ends if a purge has removed the opt-out', async () => {
  const id = await optOutLate({ key: LEAKED });
  const purges = new PurgeStore(connectionsOf(it.database.appUrl));
  const always = { from: '2000-01-01T00:00:00.000Z', to: '2100-01-01T00:00:00.000Z' };
  await purges.request({ keyId: LEAKED, ...always }, 'erika');
  await purges.runNext(new AbortController().signal);
  expect(await removeAll()).toBe(1);
  expect(await waiting()).toEqual([]);
  expect(await hoursOf(id)).toHaveLength(HOURS);
}, 60_000);
