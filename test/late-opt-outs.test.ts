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
  hourly.push(event(id, DAYS, HOURS, { event: 'unheard.of' }));
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

test('a late opt-out removes the customer key and the licence that removed reports contained', async () => {
  const [id, other] = [randomUUID(), randomUUID()];
  const properties = {
    ...{ 'health-unit-a-total': 3, 'health-unit-a-unhealthy': 1 },
    ...{ customerKey: 'ab1c23de-45f6-7g8h-9012-i345j6k7lm8n', licenseId: 'enterprise' },
  };
  await it.save(
    event(id, 3),
    event(id, 1, 12, { properties }),
    event(other, 1, 12, { properties }),
  );
  await it.save(event(id, 2, 12, { event: 'opted_out', properties: {} }));
  const rows = await it.ask(
    'SELECT installation_id AS id, customer_key, license_id FROM fleet.installations',
  );
  const { customerKey: customer_key, licenseId: license_id } = properties;
  expect(new Map(rows.map(({ id, ...row }) => [id, row]))).toEqual(
    new Map<unknown, object>([
      [id, { customer_key: null, license_id: null }],
      [other, { customer_key, license_id }],
    ]),
  );
});

test('a late opt-out removes the rollups of days whose reports have expired, while it was in force', async () => {
  const id = randomUUID();
  const other = randomUUID();
  const day = (ago: number) => [
    event(id, ago),
    event(other, ago),
    event(id, ago, 13, { event: 'unheard.of' }),
  ];
  await it.save(...[9, 8, 7, 6, 5, 4, 3, 2].flatMap(day));
  await it.rollups.refresh();
  await it.ask(`DELETE FROM report WHERE observed_at < CURRENT_DATE - 3`);
  await it.ask(`DELETE FROM quarantined_event WHERE observed_at < CURRENT_DATE - 3`);
  await it.ask(`INSERT INTO retention_floor VALUES ('dcos', CURRENT_DATE - 3)`);

  await it.save(event(id, 5, 6, { event: 'opted_in', properties: {} }));
  await it.save(event(id, 8, 18, { event: 'opted_out', properties: {} }));
  await removeAll();
  await it.rollups.refresh();
  const daysOf = async (installation: string) => {
    const rows = await it.ask(
      'SELECT CURRENT_DATE - day AS ago FROM installation_day WHERE installation_id = $1 ORDER BY 1',
      [installation],
    );
    return rows.map(({ ago }) => ago);
  };
  // The days of the opt-out and of the opt-in began or ended without it.
  expect(await daysOf(id)).toEqual([2, 3, 4, 5, 8, 9]);
  expect(await daysOf(other)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  const active = await it.shown('daily_fleet', 'active');
  expect(active.filter(({ active }) => active === 1).map(({ ago }) => ago)).toEqual([7, 6]);
});

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
  const to = new Date(Date.now() - 60_000).toISOString();
  await purges.request({ keyId: LEAKED, from: '2000-01-01T00:00:00.000Z', to }, 'erika');
  const { signal } = new AbortController();
  await purges.runNext({ emptyQueue: () => Promise.resolve(), signal });
  expect(await removeAll()).toBe(1);
  expect(await waiting()).toEqual([]);
  expect(await hoursOf(id)).toHaveLength(HOURS);
}, 60_000);

test('an opt-out that an earlier release stored under another id of the installation applies', async () => {
  const [former, id] = [randomUUID(), randomUUID()];
  const formerIds = [former];
  await it.save(event(former, 5, 2, { event: 'opted_out', properties: {} }));
  await it.save(event(id, 6), event(id, 4)); // in a form that earlier releases stored under the same id
  expect(await balanceOf(it.ask)).toMatchObject({ stored: 3, opted_out: 0 });
  await it.save({ ...event(id, 3), formerIds });
  await it.save(event(id, 2));
  expect(await balanceOf(it.ask)).toMatchObject({ stored: 2, opted_out: 3 });
  const [view] = await it.ask(
    'SELECT opted_out FROM fleet.installations WHERE installation_id = $1',
    [id],
  );
  expect(view).toEqual({ opted_out: true });
  await it.save({ ...event(id, 1, 12, { event: 'opted_in', properties: {} }), formerIds });
  await it.save({ ...event(id, 0, 1), formerIds });
  expect(await balanceOf(it.ask)).toMatchObject({ stored: 4, opted_out: 3 });
});

test('an installation that is known only by such an opt-out was seen at the time of the opt-out', async () => {
  const [former, id] = [randomUUID(), randomUUID()];
  const optOut = event(former, 5, 2, { event: 'opted_out', properties: {} });
  await it.save(optOut);
  await it.save({ ...event(id, 1), formerIds: [former] });
  const times = await it.ask(
    'SELECT first_seen_at, last_seen_at FROM installation WHERE installation_id = $1',
    [id],
  );
  const at = new Date(optOut.occurredAt as string);
  expect(times).toEqual([{ first_seen_at: at, last_seen_at: at }]);
});
