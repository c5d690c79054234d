import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ErasureStore, QuarantineStore, TelemetryStore, type QuarantineFilter } from '#storage';
import {
  compileProducts,
  normalise,
  normaliseKept,
  readDeclaration,
  type EventEnvelope,
  type KeptEvent,
} from '#telemetry';
import { Asker, createDatabase, type TestDatabase, connectionsOf } from './support/database.js';
import { carryOut } from './support/erasures.js';
import { emptyTables, readTables } from './support/tables.js';

const DAY_MS = 86_400_000;
const NOW = Math.floor(Date.now() / 3_600_000) * 3_600_000 + 60_000;
const retentionMs = 400 * DAY_MS;
const suppressionKey = 'only-for-tests';
const ACME = readDeclaration({
  ...{ product: 'acme', about: 'It.', unknownEvents: 'quarantined' },
  events: {
    daily: {
      ...{ about: 'Each day.', store: 'metrics', describes: true },
      metrics: [{ name: 'seats', kind: 'count', unit: '1', about: 'Seats.' }],
    },
    started: { about: 'It began.', store: 'usage' },
    'telemetry.off': { about: 'Telemetry was turned off.', store: 'usage', consent: 'opted_out' },
  },
});
/** Options before and after the product is declared. */
const OLD = { products: compileProducts(), retentionMs };
const NEW = { products: compileProducts([ACME]), retentionMs };

let database: TestDatabase;
let owner: Asker;
let writer: TelemetryStore;
let quarantine: QuarantineStore;
let erasures: ErasureStore;

beforeAll(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  const databaseUrl = database.url;
  writer = new TelemetryStore({ database: connectionsOf(databaseUrl), suppressionKey });
  quarantine = new QuarantineStore(connectionsOf(databaseUrl));
  erasures = new ErasureStore({ database: connectionsOf(databaseUrl), suppressionKey });
});

afterAll(async () => {
  await owner.end();
  await database.drop();
});

beforeEach(async () => {
  await emptyTables(owner.ask);
  await owner.ask('TRUNCATE quarantine_job, suppression');
});

/** After every test, each accepted event must have exactly one fate. */
afterEach(async () => {
  expect(await owner.ask('SELECT * FROM fleet.ingest_balance WHERE unaccounted <> 0')).toEqual([]);
});

function daily(changes: Partial<EventEnvelope> = {}): EventEnvelope {
  return {
    ...{ receivedAt: NOW, product: 'acme', id: randomUUID(), installationId: randomUUID() },
    ...{ event: 'daily', version: '1.2', properties: { projects: 7 } },
    ...changes,
  };
}

async function save(envelopes: EventEnvelope[], options = OLD) {
  await writer.save({
    ...{ batchId: randomUUID(), gatheredAt: NOW },
    accepted: envelopes.map(({ product, receivedAt }) => ({
      ...{ product, hour: Math.floor(receivedAt / 3_600_000) * 3_600_000, count: 1 },
    })),
    events: envelopes.map((envelope) => normalise(envelope, options)),
  });
}

const contextOf = (options: typeof NEW, store: Pick<TelemetryStore, 'replay'> = writer) => ({
  normalise: (kept: KeptEvent, eventKey: string) => normaliseKept(kept, eventKey, options),
  store: store as TelemetryStore,
  signal: new AbortController().signal,
});

const ask = async (kind: 'replay' | 'discard', filter: QuarantineFilter = {}) =>
  (await quarantine.request({ kind, filter, requestedBy: 'erika' })).job.id;

async function run(kind: 'replay' | 'discard', filter: QuarantineFilter = {}, options = NEW) {
  const id = await ask(kind, filter);
  expect(await quarantine.runNext(contextOf(options))).toBe(id);
  return quarantine.job(id);
}

async function fatesOf(product = 'acme') {
  const [row] = await owner.ask(
    `SELECT sum(accepted)::int AS accepted, sum(stored)::int AS stored, sum(duplicate)::int AS duplicate,
            sum(quarantined)::int AS quarantined, sum(suppressed)::int AS suppressed, sum(empty)::int AS empty,
            sum(opted_out)::int AS opted_out
       FROM fleet.ingest_balance WHERE product = $1`,
    [product],
  );
  return Object.fromEntries(Object.entries(row!).filter(([, count]) => count !== 0));
}

async function countOf(table: string, installationId?: string): Promise<number> {
  const [row] = await owner.ask(
    `SELECT count(*)::int AS count FROM ${table} WHERE $1::uuid IS NULL OR installation_id = $1`,
    [installationId],
  );
  return row!.count as number;
}

async function rowsOf(installationId: string) {
  const tables = ['installation', 'report', 'quarantined_event', 'original_event'];
  return Promise.all(tables.map((table) => countOf(table, installationId)));
}

describe('a replay', () => {
  test('leaves the same rows as if the events had been known from the start', async () => {
    const ids = Array.from({ length: 5 }, () => randomUUID());
    const events = Array.from({ length: 1300 }, (_, at) =>
      daily({
        installationId: ids[at % ids.length]!,
        receivedAt: NOW - (at % 50) * 3_600_000,
        event: at % 3 === 0 ? 'started' : 'daily',
        properties: { projects: at % 11, plugins: { auth: at % 2 } },
        version: `1.${at % 4}`,
      }),
    );
    await save(events, NEW);
    await save(events.slice(0, 100), NEW);
    const expected = await readTables(owner.ask);
    await emptyTables(owner.ask);
    await save(events);
    await save(events.slice(0, 100));
    expect(await countOf('report')).toBe(0);
    const job = await run('replay');
    expect(job).toMatchObject({ state: 'complete', total: 1300, done: 1300, stored: 1300 });
    expect(await readTables(owner.ask)).toEqual(expected);
  });

  test('makes a later copy a duplicate', async () => {
    const event = daily();
    await save([event]);
    await run('replay');
    await save([{ ...event, receivedAt: NOW + 5 }], NEW);
    expect(await fatesOf()).toEqual({ accepted: 2, stored: 1, duplicate: 1 });
    expect(await rowsOf(event.installationId)).toEqual([1, 1, 0, 0]);
  });

  test('processes only the events that match its filter', async () => {
    const [meant, other] = [daily({ version: '1.2' }), daily({ version: '1.3' })];
    await save([meant, other]);
    expect(await run('replay', { version: '1.2', event: 'daily' })).toMatchObject({ total: 1 });
    expect(await countOf('report', meant.installationId)).toBe(1);
    expect(await countOf('quarantined_event', other.installationId)).toBe(1);
    const from = new Date(NOW + 1).toISOString();
    expect(await run('replay', { from })).toMatchObject({ total: 0, done: 0 });
  });

  test('completes if events are quarantined again, and changes nothing if repeated', async () => {
    await save([daily(), daily({ event: 'unheard-of' })]);
    const first = await run('replay');
    expect(first).toMatchObject({ done: 2, stored: 1, quarantinedAgain: 1 });
    const before = await readTables(owner.ask);
    const second = await run('replay');
    expect(second).toMatchObject({ done: 1, stored: 0, quarantinedAgain: 1 });
    expect(await readTables(owner.ask)).toEqual(before);
    expect(await fatesOf()).toEqual({ accepted: 2, stored: 1, quarantined: 1 });
  });

  test('applies opt-outs, including replayed ones', async () => {
    const installationId = randomUUID();
    const at = (event: string, minute: number, changes: Partial<EventEnvelope> = {}) =>
      daily({
        ...{ installationId, event, ...changes },
        occurredAt: new Date(NOW - (60 - minute) * 60_000).toISOString(),
      });
    await save([at('daily', 10), at('telemetry.off', 20), at('daily', 30), at('unheard-of', 40)]);
    await save([at('opted_in', 50), at('daily', 55), at('started', 15), at('started', 25)]);
    expect(await run('replay', { event: 'daily' })).toMatchObject({ stored: 3, optedOut: 0 });
    expect(await run('replay')).toMatchObject({ total: 5, done: 5, state: 'complete' });
    expect(await fatesOf()).toEqual({ accepted: 8, stored: 5, opted_out: 3 });
    expect(await rowsOf(installationId)).toEqual([1, 5, 0, 0]);
  });

  test('removes events that are now empty', async () => {
    const event = daily({ properties: {} });
    await save([event, daily()]);
    expect(await run('replay')).toMatchObject({ done: 2, stored: 1, empty: 1 });
    expect(await fatesOf()).toEqual({ accepted: 2, stored: 1, empty: 1 });
    expect(await countOf('original_event')).toBe(0);
  });

  test('records dropped readings and keeps their original event', async () => {
    const event = daily({ properties: { projects: 7, seats: -1 } });
    await save([event]);
    expect(await run('replay')).toMatchObject({ stored: 1 });
    const defects = await owner.ask('SELECT path, reason FROM defect WHERE installation_id = $1', [
      event.installationId,
    ]);
    expect(defects).toEqual([{ path: 'seats', reason: 'negative' }]);
    expect(await rowsOf(event.installationId)).toEqual([1, 1, 0, 1]);
  });

  test('stores two events with the same key that arrived months apart', async () => {
    const event = daily();
    await save([event]);
    await save([{ ...event, receivedAt: NOW - 60 * DAY_MS }]);
    expect(await run('replay')).toMatchObject({ total: 2, stored: 2 });
    expect(await countOf('report', event.installationId)).toBe(2);
  });

  test('keeps only an event that the database refuses, and stores all others', async () => {
    const [bad, ...good] = Array.from({ length: 20 }, () => daily());
    await save([...good.slice(0, 9), bad!, ...good.slice(9)]);
    await owner.ask(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'data_exception'; END $$`);
    await owner.ask(`
      CREATE TRIGGER refuse BEFORE INSERT ON report FOR EACH ROW
        WHEN (NEW.installation_id = '${bad!.installationId}') EXECUTE FUNCTION refuse()`);
    const job = await run('replay');
    await owner.ask('DROP TRIGGER refuse ON report; DROP FUNCTION refuse');
    expect(job).toMatchObject({ done: 20, stored: 19, quarantinedAgain: 1 });
    expect(await quarantine.list({}, { limit: 9 })).toMatchObject([
      { installationId: bad!.installationId, reason: 'refused_by_store', version: '1.2' },
    ]);
    expect(await run('replay')).toMatchObject({ stored: 1 });
  });

  test('stores nothing for a suppressed installation and keeps its events in quarantine', async () => {
    const [quiet, loud] = [daily(), daily()];
    await save([quiet, loud]);
    await erasures.request({ mode: 'suppress', installationIds: [quiet.installationId] }, 'erika');
    await carryOut(erasures);
    expect(await run('replay')).toMatchObject({ done: 2, stored: 1, suppressed: 1 });
    expect(await rowsOf(quiet.installationId)).toEqual([1, 0, 1, 1]);
  });

  test('does not restore an installation that is erased after its events were read', async () => {
    const [gone, kept] = [daily(), daily()];
    await save([gone, kept]);
    await ask('replay');
    const late = {
      replay: async (page: Parameters<TelemetryStore['replay']>[0]) => {
        await erasures.request({ mode: 'erase', installationIds: [gone.installationId] }, 'erika');
        await carryOut(erasures);
        await writer.replay(page);
      },
    };
    await quarantine.runNext(contextOf(NEW, late));
    expect(await rowsOf(gone.installationId)).toEqual([0, 0, 0, 0]);
    expect(await rowsOf(kept.installationId)).toEqual([1, 1, 0, 0]);
  });
});

describe('a job', () => {
  test('that is requested again while it runs is the same job', async () => {
    const filter = { product: 'acme', reason: 'unknown_event' };
    const [one, same] = await Promise.all([
      ask('replay', filter),
      ask('replay', { reason: 'unknown_event', product: 'acme' }),
    ]);
    expect(same).toBe(one);
    expect(await ask('discard', filter)).not.toBe(one);
    while (await quarantine.runNext(contextOf(NEW)));
    expect(await ask('replay', filter)).not.toBe(one);
  });

  /** Stops after one page. */
  const stoppedAfterAPage = () => {
    const stopping = new AbortController();
    const store = {
      replay: async (page: Parameters<TelemetryStore['replay']>[0]) => {
        stopping.abort();
        await writer.replay(page);
      },
    };
    return { ...contextOf(NEW, store), signal: stopping.signal };
  };

  /** Loses its claim to another worker just before it stores its first page. */
  const frozenWhile = (other: () => ReturnType<typeof contextOf>) =>
    contextOf(NEW, {
      replay: async (page) => {
        await owner.ask('UPDATE quarantine_job SET claimed_until = now()');
        await quarantine.runNext(other());
        await writer.replay(page);
      },
    });

  test('that is stopped continues where it stopped', async () => {
    await save(Array.from({ length: 1200 }, () => daily()));
    const id = await ask('replay');
    expect(await quarantine.runNext(stoppedAfterAPage())).toBeNull();
    const { done } = (await quarantine.job(id))!;
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(1200);
    expect(await quarantine.runNext(contextOf(NEW))).toBe(id);
    expect(await quarantine.job(id)).toMatchObject({ state: 'complete', done: 1200, stored: 1200 });
  });

  test('that a second worker takes over from one presumed dead is done once', async () => {
    await save(Array.from({ length: 1200 }, () => daily()));
    const id = await ask('replay');
    const frozen = frozenWhile(() => contextOf(NEW));
    await expect(quarantine.runNext(frozen)).rejects.toThrow('Another worker');
    expect(await quarantine.job(id)).toMatchObject({ state: 'complete', done: 1200, stored: 1200 });
  });

  test('counts an event that stays in quarantine once, even if two workers process it', async () => {
    const installationId = randomUUID();
    await save(Array.from({ length: 1200 }, () => daily({ installationId })));
    await erasures.request({ mode: 'suppress', installationIds: [installationId] }, 'erika');
    await carryOut(erasures);
    const id = await ask('replay');
    const frozen = frozenWhile(stoppedAfterAPage);
    await expect(quarantine.runNext(frozen)).rejects.toThrow('Another worker');
    await owner.ask('UPDATE quarantine_job SET claimed_until = now()');
    expect(await quarantine.runNext(contextOf(NEW))).toBe(id);
    expect(await quarantine.job(id)).toMatchObject({ done: 1200, suppressed: 1200 });
  });

  test('that makes no progress finally fails, and other jobs get their turn', async () => {
    await save([daily()]);
    const id = await ask('replay');
    const broken = {
      replay: () => Promise.reject(new Error('no')),
    };
    for (let attempt = 1; attempt <= 10; attempt += 1) {
      await expect(quarantine.runNext(contextOf(NEW, broken))).rejects.toThrow('no');
      await owner.ask('UPDATE quarantine_job SET claimed_until = now()');
    }
    expect(await quarantine.runNext(contextOf(NEW, broken))).toBeNull();
    expect(await quarantine.job(id)).toMatchObject({ state: 'failed', failure: 'interrupted' });
    const acts = `SELECT actor, act, outcome FROM audit_log WHERE detail->>'jobId' = '${id}' ORDER BY audit_id DESC LIMIT 1`;
    expect(await owner.ask(acts)).toEqual([
      { actor: 'worker', act: 'quarantine.fail', outcome: 'failed' },
    ]);
    expect(await run('replay')).toMatchObject({ state: 'complete', stored: 1 });
    expect(await quarantine.retry(id, 'erika')).toMatchObject({
      state: 'requested',
      failure: null,
    });
    expect(await owner.ask(acts)).toEqual([
      { actor: 'erika', act: 'quarantine.retry', outcome: 'done' },
    ]);
    expect(await quarantine.retry(id, 'erika')).toBeNull();
    expect(await quarantine.runNext(contextOf(NEW))).toBe(id);
  });

  test('is listed with others, newest first, page by page', async () => {
    const ids: string[] = [];
    for (const product of ['a', 'b', 'c']) {
      ids.push(await ask('replay', { product }));
      await sleep(2); // times are stored in milliseconds
    }
    const [newest] = await quarantine.jobs({ limit: 1 });
    const others = await quarantine.jobs({ limit: 9, after: newest!.id });
    expect([newest!, ...others].map(({ id }) => id)).toEqual(ids.toReversed());
  });
});

describe('a discard', () => {
  test('removes events and their originals, and the balance still counts them', async () => {
    const [gone, kept] = [daily({ event: 'gone' }), daily()];
    await save([gone, kept, ...Array.from({ length: 30 }, () => daily({ event: 'gone' }))]);
    expect(await run('discard', { event: 'gone' })).toMatchObject({
      ...{ state: 'complete', total: 31, done: 31, stored: 0 },
    });
    expect(await rowsOf(gone.installationId)).toEqual([1, 0, 0, 0]);
    expect(await rowsOf(kept.installationId)).toEqual([1, 0, 1, 1]);
    expect(await fatesOf()).toEqual({ accepted: 32, quarantined: 32 });
  });

  test('skips locked events first, and removes them once they are unlocked', async () => {
    await save([daily(), daily(), daily()]);
    const id = await ask('discard');
    const other = new pg.Client({ connectionString: database.url });
    await other.connect();
    try {
      await other.query('BEGIN');
      await other.query(`SELECT FROM quarantined_event ORDER BY quarantine_id LIMIT 1 FOR UPDATE`);
      const running = quarantine.runNext(contextOf(NEW));
      await expect.poll(() => countOf('quarantined_event'), { timeout: 10_000 }).toBe(1);
      await other.query('ROLLBACK');
      expect(await running).toBe(id);
      expect(await quarantine.job(id)).toMatchObject({ total: 3, done: 3 });
    } finally {
      await other.end();
    }
    expect(await countOf('quarantined_event')).toBe(0);
    expect(await countOf('original_event')).toBe(0);
  });
});

test('only expired events are removed, with their originals', async () => {
  const [old, young] = [daily({ receivedAt: NOW - 31 * DAY_MS }), daily()];
  const stored = daily({ receivedAt: NOW - 31 * DAY_MS, product: 'dcos', event: 'health' });
  await save([old, young]);
  await save([
    {
      ...stored,
      properties: { 'health-unit-a-total': 1, 'health-unit-a-unhealthy': 0, variant: '@' },
    },
  ]);
  expect(await quarantine.removeExpiredQuarantine(30)).toBe(1);
  expect(await quarantine.removeExpiredQuarantine(30)).toBe(0);
  expect(await rowsOf(old.installationId)).toEqual([1, 0, 0, 0]);
  expect(await rowsOf(young.installationId)).toEqual([1, 0, 1, 1]);
  expect(await countOf('original_event', stored.installationId)).toBe(1);
  await expect(quarantine.removeExpiredQuarantine(29)).rejects.toThrow('30 days at least');
});

test('with concurrent replays, discards, erasures and writers, every event ends with one fate', async () => {
  const ids = Array.from({ length: 40 }, () => randomUUID());
  const [erased, kept] = [ids.slice(0, 8), ids.slice(8)];
  const some = (options: typeof NEW) =>
    save(
      Array.from({ length: 60 }, (_, at) =>
        daily({
          installationId: ids[Math.floor(Math.random() * ids.length)]!,
          event: ['daily', 'started', 'unheard-of'][at % 3]!,
        }),
      ),
      options,
    );
  for (let batch = 0; batch < 12; batch += 1) await some(OLD);
  const isOver = new AbortController();
  const writing = [OLD, NEW].map(async (options) => {
    while (!isOver.signal.aborted) await some(options);
  });
  for (const installationId of erased) {
    await erasures.request(
      { mode: 'erase_and_suppress', installationIds: [installationId] },
      'erika',
    );
  }
  const erasing = (async () => {
    for (let done = 0; done < erased.length;) done += await carryOut(erasures);
  })();
  const replaying = async () => {
    for (const filter of [{}, { event: 'daily' }, { event: 'started' }])
      await ask('replay', filter);
    await ask('discard', { event: 'unheard-of' });
    const work = async () => {
      while (await quarantine.runNext(contextOf(NEW)));
    };
    await Promise.all([work(), work(), work()]);
  };
  await replaying();
  await Promise.all([erasing, replaying()]);
  isOver.abort();
  await Promise.all(writing);
  await run('replay');
  await run('discard', { event: 'unheard-of' });

  const jobs = await quarantine.jobs({ limit: 100 });
  expect(jobs.filter(({ state, failure }) => state !== 'complete' || failure)).toEqual([]);
  for (const id of erased) expect(await rowsOf(id)).toEqual([0, 0, 0, 0]);
  expect(await countOf('quarantined_event')).toBe(0);
  expect(await countOf('original_event')).toBe(0);
  for (const id of kept) expect(await countOf('report', id)).toBeGreaterThan(0);
  const twice = await owner.ask(
    'SELECT FROM report GROUP BY installation_id, event_key HAVING count(*) > 1',
  );
  expect(twice).toEqual([]);
}, 60_000);
