import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PurgeStore, type PurgeContext } from '#storage';
import { connectionsOf } from './support/database.js';
import { EXPECTED } from './support/expected-rollups.js';
import { event, RolledUp } from './support/rolled-up.js';

const LEAKED = '0123456789abcdef';
const GOOD = 'fedcba9876543210';
const MINUTE_MS = 60_000;
const ALWAYS = {
  ...{ keyId: LEAKED, from: '2000-01-01T00:00:00.000Z' },
  to: new Date(Date.now() - MINUTE_MS).toISOString(),
};

let it: RolledUp;
let purges: PurgeStore;

beforeAll(async () => {
  it = await RolledUp.create();
  purges = new PurgeStore(connectionsOf(it.database.appUrl));
});
beforeEach(async () => {
  await it.empty();
  await it.ask('DELETE FROM purge');
});
afterAll(() => it.drop());

const context = (own: Partial<PurgeContext> = {}): PurgeContext => ({
  ...{ emptyQueue: () => Promise.resolve(), signal: new AbortController().signal, ...own },
});
const by = (key: string, envelope: ReturnType<typeof event>) => ({ ...envelope, key });
const rows = async (select: string) =>
  (await it.ask(`SELECT t::text AS row FROM (${select}) t ORDER BY 1`)).map(({ row }) => row);
const balance = () => it.ask('SELECT * FROM fleet.ingest_balance');

test('a purge shows and removes what a leaked key sent, and nothing else', async () => {
  const [fake, real] = [randomUUID(), randomUUID()];
  const broken = { properties: { 'health-unit-a-total': 'many' } };
  const unknown = { product: 'dcos', event: 'unheard.of' };
  const ui = { event: 'dcos_login', properties: {} };
  await it.save(
    ...[by(LEAKED, event(fake, 3)), by(LEAKED, event(fake, 2, 12, broken))],
    ...[by(LEAKED, event(fake, 2, 13, unknown)), by(LEAKED, event(real, 2, 14))],
    ...[by(LEAKED, event(fake, 2, 15, ui)), by(GOOD, event(real, 2, 11))],
    ...[event(real, 1), by(GOOD, event(real, 1, 13, unknown))],
  );
  await it.rollups.refresh();
  const before = await balance();
  expect(await purges.sent(ALWAYS)).toMatchObject([
    { product: 'dcos', kind: 'health', events: 2, installations: 2, version: '2.1' },
    { product: 'dcos', kind: 'quarantined' },
    { product: 'dcos', kind: 'ui', events: 1, installations: 1 },
  ]);
  const { purge } = await purges.request(ALWAYS, 'erika');
  expect(await purges.runNext(context())).toBe(purge.id);
  expect(await purges.get(purge.id)).toMatchObject({
    state: 'complete',
    requestedBy: 'erika',
    removed: { report: 3, quarantined_event: 2, installation: 1 },
  });
  expect(await purges.sent(ALWAYS)).toEqual([]);
  expect(await rows('SELECT installation_id FROM fleet.installations')).toEqual([`(${real})`]);
  expect(await rows('SELECT key_id FROM report JOIN origin USING (origin_id)')).toEqual([
    '("")',
    `(${GOOD})`,
  ]);
  expect(await rows('SELECT event FROM quarantined_event')).toHaveLength(1);
  await it.rollups.refresh();
  for (const [view, expected] of Object.entries(EXPECTED)) {
    expect(await rows(`SELECT * FROM fleet.${view}`), view).toEqual(await rows(expected));
  }
  expect(await balance()).toEqual(before);
});

test('a purge removes only what was received in its period, and a repeated request returns the same purge', async () => {
  const id = randomUUID();
  const received = (time: string) =>
    by(LEAKED, { ...event(id, 0, 0), receivedAt: Date.parse(time) });
  const [day] = (await it.ask(`SELECT (current_date - 1)::text AS day`)).map(
    ({ day }) => day as string,
  );
  await it.save(received(`${day}T10:00:00Z`), received(`${day}T11:00:00Z`));
  const scope = { keyId: LEAKED, from: `${day}T11:00:00.000Z`, to: `${day}T12:00:00.000Z` };
  const first = await purges.request(scope, 'erika');
  expect(await purges.request(scope, 'erika')).toEqual({ purge: first.purge, isNew: false });
  await purges.runNext(context());
  expect(await purges.runNext(context())).toBeNull();
  expect(await it.ask('SELECT received_at FROM report')).toEqual([
    { received_at: new Date(`${day}T10:00:00Z`) },
  ]);
});

test('an interrupted purge is completed by another worker', async () => {
  await it.save(...Array.from({ length: 60 }, () => by(LEAKED, event(randomUUID(), 1))));
  const { purge } = await purges.request(ALWAYS, 'erika');
  await expect(purges.runNext(context({ signal: AbortSignal.abort() }))).rejects.toThrow();
  expect(await purges.runNext(context())).toBe(purge.id);
  expect(await it.ask('SELECT FROM installation')).toEqual([]);
  expect((await purges.get(purge.id))?.removed).toMatchObject({ report: 60, installation: 60 });
});

const attempt = async () => {
  await it.ask('UPDATE purge SET claimed_until = NULL');
  return purges.runNext(context());
};

describe('a purge that the database refuses', () => {
  beforeEach(() =>
    it.ask(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE division_by_zero; END';
            CREATE TRIGGER refusing BEFORE DELETE ON original_event EXECUTE FUNCTION refuse()`),
  );
  afterEach(() => it.ask('DROP FUNCTION IF EXISTS refuse CASCADE'));

  test('fails after ten attempts that remove nothing, and completes if it is requested again', async () => {
    await it.save(by(LEAKED, event(randomUUID(), 1)));
    const { purge } = await purges.request(ALWAYS, 'erika');
    for (let attempts = 1; attempts <= 10; attempts += 1) {
      expect(await purges.get(purge.id)).toMatchObject({
        state: attempts > 1 ? 'running' : 'requested',
      });
      await expect(attempt()).rejects.toThrow();
    }
    expect(await purges.list({ state: 'failed', limit: 5 })).toMatchObject([
      { id: purge.id, failure: '22012', removed: {} },
    ]);
    expect(await attempt()).toBeNull();
    expect(
      await it.ask(`SELECT actor, outcome, detail FROM audit_log WHERE act = 'purge.fail'`),
    ).toEqual([
      { actor: 'worker', outcome: 'failed', detail: { purgeId: purge.id, failure: '22012' } },
    ]);

    await it.ask('DROP FUNCTION refuse CASCADE');
    expect(await purges.request(ALWAYS, 'otto')).toMatchObject({
      isNew: true,
      purge: { id: purge.id, state: 'requested', failure: null, requestedBy: 'otto' },
    });
    expect(await attempt()).toBe(purge.id);
    expect(await purges.get(purge.id)).toMatchObject({
      state: 'complete',
      removed: { installation: 1 },
    });
  });

  test('gets ten more attempts after one that removed something', async () => {
    await it.save(by(LEAKED, event(randomUUID(), 1)));
    const { purge } = await purges.request(ALWAYS, 'erika');
    for (let attempts = 1; attempts < 10; attempts += 1) await expect(attempt()).rejects.toThrow();
    // Reports can now be removed, installations cannot.
    await it.ask(`DROP TRIGGER refusing ON original_event;
                  CREATE TRIGGER refusing BEFORE DELETE ON installation EXECUTE FUNCTION refuse()`);
    await expect(attempt()).rejects.toThrow();
    await expect(attempt()).rejects.toThrow();
    expect(await purges.get(purge.id)).toMatchObject({ state: 'running', removed: { report: 1 } });
  });
});

test('a failed purge is retried, and completes', async () => {
  const { purge } = await purges.request(ALWAYS, 'erika');
  expect(await purges.retry(purge.id, 'otto')).toBeNull();
  await it.ask(`UPDATE purge SET state = 'failed', attempts = 10, failure = '22012'`);
  const requested = { state: 'requested', failure: null };
  expect(await purges.retry(purge.id, 'otto')).toMatchObject(requested);
  expect(await it.ask(`SELECT actor FROM audit_log WHERE act = 'purge.retry'`)).toEqual([
    { actor: 'otto' },
  ]);
  expect(await attempt()).toBe(purge.id);
});

test('a purge whose workers are killed repeatedly fails', async () => {
  const { purge } = await purges.request(ALWAYS, 'erika');
  // The claim of the tenth one has expired.
  await it.ask(`UPDATE purge SET state = 'running', attempts = 9, claimed_by = gen_random_uuid()`);
  expect(await attempt()).toBeNull();
  expect(await purges.get(purge.id)).toMatchObject({ state: 'failed', failure: 'interrupted' });
});

test('a worker whose claim on a purge has expired leaves the purge to the new owner', async () => {
  await it.save(by(LEAKED, event(randomUUID(), 1)));
  const { purge } = await purges.request(ALWAYS, 'erika');
  // Another worker takes the claim over immediately.
  await it.ask(`CREATE FUNCTION take() RETURNS trigger LANGUAGE plpgsql AS
                  'BEGIN UPDATE purge SET claimed_by = gen_random_uuid(); RETURN NULL; END';
                CREATE TRIGGER taking AFTER UPDATE ON purge FOR EACH ROW
                  WHEN (OLD.claimed_by IS NULL) EXECUTE FUNCTION take()`);
  await expect(purges.runNext(context())).rejects.toThrow('Another worker');
  await it.ask('DROP FUNCTION take CASCADE');
  expect(await purges.get(purge.id)).toMatchObject({
    state: 'running',
    failure: null,
    removed: {},
  });
  expect(await purges.runNext(context())).toBeNull();
});

test('purges are listed newest first, page by page', async () => {
  const scopes = [1, 2, 3].map((day) => ({ ...ALWAYS, from: `2001-01-0${day}T00:00:00.000Z` }));
  const ids = [];
  for (const scope of scopes) ids.unshift((await purges.request(scope, 'erika')).purge.id);
  const first = await purges.list({ limit: 2 });
  const rest = await purges.list({ limit: 2, after: first[1]!.id });
  expect([...first, ...rest].map(({ id }) => id)).toEqual(ids);
  expect(await purges.list({ limit: 5, state: 'failed' })).toEqual([]);
});

test('concurrent requests for the same purge get the same purge', async () => {
  const requested = await Promise.all([1, 2, 3, 4].map(() => purges.request(ALWAYS, 'erika')));
  expect(new Set(requested.map(({ purge }) => purge.id)).size).toBe(1);
  expect(requested.filter(({ isNew }) => isNew)).toHaveLength(1);
});

test('an installation whose key changes during a day has one description', async () => {
  const id = randomUUID();
  await it.save(by(LEAKED, event(id, 1, 11)), by(GOOD, event(id, 1, 13)));
  await it.rollups.refresh();
  expect(await it.ask('SELECT descriptions FROM fleet.installation_days')).toEqual([
    { descriptions: 1 },
  ]);
});

test('a purge waits for transactions that store events, and removes what they store', async () => {
  await it.save(by(LEAKED, event(randomUUID(), 1)));
  const { purge } = await purges.request(ALWAYS, 'erika');
  const other = new pg.Client({ connectionString: it.database.url });
  await other.connect();
  // A transaction that stores another report of the key is under way.
  await other.query(`
    BEGIN; SELECT pg_current_xact_id(); SELECT FROM suppression;
    CREATE TEMPORARY TABLE another ON COMMIT DROP AS SELECT * FROM report;
    UPDATE another SET installation_id = gen_random_uuid();
    INSERT INTO report SELECT * FROM another`);
  const running = purges.runNext(context());
  await expect.poll(() => it.ask(`SELECT FROM purge WHERE state = 'running'`)).toHaveLength(1);
  await sleep(500);
  await other.query('COMMIT');
  await other.end();
  expect(await running).toBe(purge.id);
  expect(await it.ask('SELECT FROM report')).toEqual([]);
});

test('a purge begins once ingest has queued everything that was received before its end', async () => {
  const scope = { ...ALWAYS, to: new Date(Date.now() - 1000).toISOString() };
  const { purge } = await purges.request(scope, 'erika');
  expect(await attempt()).toBeNull();
  await it.ask(`UPDATE purge SET received_to = received_to - interval '1 minute'`);
  expect(await attempt()).toBe(purge.id);
});

test('a purge empties the queue first, and an outage of the queue does not count as an attempt', async () => {
  const { purge } = await purges.request(ALWAYS, 'erika');
  const scopes: unknown[] = [];
  const emptyQueue = (scope: object) => {
    scopes.push(scope);
    return scopes.length > 12 ? Promise.resolve() : Promise.reject(new Error('no'));
  };
  for (let attempts = 0; attempts < 12; attempts += 1) {
    await it.ask('UPDATE purge SET claimed_until = NULL');
    await expect(purges.runNext(context({ emptyQueue }))).rejects.toThrow('queue_unavailable');
  }
  expect(await purges.get(purge.id)).toMatchObject({ failure: 'queue_unavailable' });
  await it.ask('UPDATE purge SET claimed_until = NULL');
  expect(await purges.runNext(context({ emptyQueue }))).toBe(purge.id);
  const [from, to] = [Date.parse(ALWAYS.from), Date.parse(ALWAYS.to)];
  expect(scopes.at(-1)).toEqual({ keyId: LEAKED, from, to });
});
