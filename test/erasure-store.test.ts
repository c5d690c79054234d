import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { IdempotencyKeyReused, ErasureStore, Rollups, TelemetryStore } from '#storage';
import { compileProducts, normalise, type EventEnvelope } from '#telemetry';
import { Asker, createDatabase, type TestDatabase, connectionsOf } from './support/database.js';
import { ALONE } from './support/erasures.js';
import { atScale } from './support/scale.js';

const NOW = Date.now();
const OPTIONS = { products: compileProducts(), retentionMs: 400 * 86_400_000 };
const suppressionKey = 'only-for-tests';
const CONTEXT = ALONE;

let database: TestDatabase;
let owner: Asker;
let writers: TelemetryStore[];
let erasures: ErasureStore;
let rollups: Rollups;

beforeAll(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  writers = Array.from(
    { length: 3 },
    () => new TelemetryStore({ database: connectionsOf(database.url), suppressionKey }),
  );
  erasures = new ErasureStore({ database: connectionsOf(database.url), suppressionKey });
  rollups = new Rollups(connectionsOf(database.url));
});

afterAll(async () => {
  await owner.end();
  await database.drop();
});

/** Runs all pending erasures. @returns the ids of the completed ones */
async function carryOut(context: typeof CONTEXT = CONTEXT): Promise<string[]> {
  const completed: string[] = [];
  for (;;) {
    const suppressed = await erasures.suppressNext(context);
    const erased = await erasures.eraseNext(context);
    completed.push(...suppressed.completed, ...erased.completed);
    if (suppressed.isIdle && erased.isIdle) return completed;
  }
}

/** One event of every kind. Some have defects, some are quarantined. */
function eventsOf(installationId: string, product = 'dcos'): EventEnvelope[] {
  const of = (event: string, properties: object): EventEnvelope => ({
    ...{ receivedAt: NOW, product, id: randomUUID(), installationId, event },
    properties: properties as Record<string, unknown>,
  });
  return [
    of('health', { 'health-unit-a-total': 3, 'health-unit-a-unhealthy': 1, customerKey: 'a b' }),
    of('mesos_track', { cpu_total: Math.random(), frameworks: [{ name: 'kafka' }] }),
    of('package_list', { package_list: [{ name: 'kafka' }] }),
    { ...of('page', { path: '/nodes' }), userKey: '7', visitorKey: '8' },
    // Last, because events after an opt-out are not stored.
    { ...of('opted_out', {}), occurredAt: new Date(NOW + 60_000).toISOString() },
    of('unheard-of', { x: 1 }),
  ];
}

/** A report of one version on the day before yesterday, and of the next version a day later. */
function upgradeOf(installationId: string): EventEnvelope[] {
  const [health] = eventsOf(installationId) as [EventEnvelope];
  return [2, 1].map((ago) => ({
    ...{ ...health, id: randomUUID(), occurredAt: new Date(NOW - ago * 86_400_000).toISOString() },
    properties: { ...health.properties, environmentVersion: `1.${9 - ago}` },
  }));
}

async function save(writer: TelemetryStore, envelopes: EventEnvelope[]) {
  await writer.save({
    ...{ batchId: randomUUID(), gatheredAt: NOW },
    accepted: envelopes.map(({ product, receivedAt: hour }) => ({ product, hour, count: 1 })),
    events: envelopes.map((envelope) => normalise(envelope, OPTIONS)),
  });
}

/** Number of rows of an installation, for every table with an installation column. */
async function rowsOf(installationId: string) {
  const tables = await owner.ask(
    `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attname = 'installation_id'
        AND c.relnamespace = 'public'::regnamespace ORDER BY 1`,
  );
  const counts: Record<string, number> = {};
  for (const { name } of tables) {
    const [row] = await owner.ask(
      `SELECT count(*)::int AS count FROM ${name} WHERE installation_id = $1`,
      [installationId],
    );
    counts[name] = row!.count as number;
  }
  return counts;
}

const isEmpty = (counts: Record<string, number>) => Object.values(counts).every((n) => n === 0);

test('an erasure removes every row of its installation and no other', async () => {
  const [gone, kept] = [randomUUID(), randomUUID()];
  await save(writers[0]!, [...eventsOf(gone), ...eventsOf(kept)]);
  await save(writers[0]!, [...upgradeOf(gone), ...upgradeOf(kept)]);
  await rollups.refresh();
  await owner.ask(
    'INSERT INTO purge_installation SELECT id, gen_random_uuid() FROM unnest($1::uuid[]) AS id',
    [[gone, kept]],
  );
  await owner.ask(
    `INSERT INTO opt_out_removal SELECT id, 'dcos', now(), now() FROM unnest($1::uuid[]) AS id`,
    [[gone, kept]],
  );
  const before = await rowsOf(kept);
  const { erasure_target: _, ...tables } = await rowsOf(gone);
  expect(Object.entries(tables).filter(([, count]) => count === 0)).toEqual([]);

  const counted = await erasures.count([gone]);
  expect(counted).toEqual(tables);
  const { erasure } = await erasures.request(
    {
      mode: 'erase_and_suppress',
      installationIds: [gone],
    },
    'erika',
  );
  expect(await carryOut()).toEqual([erasure.id]);
  expect(isEmpty(await rowsOf(gone))).toBe(true);
  expect(await rowsOf(kept)).toEqual(before);
  const done = await erasures.get(erasure.id);
  expect(done).toMatchObject({ state: 'complete', removed: counted, failure: null });
  expect(Object.values(done!.verified!).every((count) => count === 0)).toBe(true);
  expect(await erasures.certificate(erasure.id)).toMatchObject({ id: erasure.id });
});

test('an erasure removes snapshots that no other installation reported, and keeps shared ones', async () => {
  const [gone, kept] = [randomUUID(), randomUUID()];
  await save(writers[0]!, [...eventsOf(gone), ...eventsOf(kept)]);
  const snapshots = async (id: string) =>
    owner.ask(
      `SELECT s.snapshot_id FROM report r JOIN framework_snapshot s USING (snapshot_id)
        WHERE r.installation_id = $1 UNION ALL
       SELECT s.snapshot_id FROM report r JOIN health_snapshot s USING (snapshot_id)
        WHERE r.installation_id = $1`,
      [id],
    );
  const lonely = {
    ...eventsOf(gone)[0]!,
    properties: { 'health-unit-lonely-total': 1, 'health-unit-lonely-unhealthy': 0 },
  };
  await save(writers[1]!, [lonely]);
  expect(await snapshots(kept)).toHaveLength(2);
  await erasures.request({ mode: 'erase_and_suppress', installationIds: [gone] }, 'erika');
  await carryOut();
  expect(await snapshots(kept)).toHaveLength(2);
  const units = await owner.ask(`SELECT units FROM unit_set WHERE 'lonely' = ANY (units)`);
  expect(units).toEqual([]);
  // A worker with the removed snapshot in its cache writes it again for the next report.
  const other = randomUUID();
  await save(writers[1]!, [{ ...lonely, installationId: other, id: randomUUID() }]);
  const readings = await owner.ask(
    'SELECT unit FROM fleet.health_readings WHERE installation_id = $1',
    [other],
  );
  expect(readings).toEqual([{ unit: 'lonely' }]);
});

test('events of a suppressed installation are counted and not stored, until it is unsuppressed', async () => {
  const id = randomUUID();
  await erasures.request({ mode: 'suppress', installationIds: [id] }, 'erika');
  await carryOut();
  await save(writers[2]!, eventsOf(id, 'octopus'));
  expect(isEmpty(await rowsOf(id))).toBe(true);
  const [balance] = await owner.ask(
    `SELECT accepted, stored, quarantined, suppressed, unaccounted FROM fleet.ingest_balance
      WHERE product = 'octopus'`,
  );
  expect(balance).toEqual({
    ...{ accepted: '6', stored: '0', quarantined: '0', suppressed: '6', unaccounted: '0' },
  });
  await erasures.request({ mode: 'lift', installationIds: [id] }, 'erika');
  await carryOut();
  await save(writers[2]!, eventsOf(id));
  expect(isEmpty(await rowsOf(id))).toBe(false);
});

test('a suppression waits only for transactions that may not have seen it', async () => {
  const writer = new pg.Client({ connectionString: database.url });
  const other = new pg.Client({ connectionString: database.url });
  await Promise.all([writer.connect(), other.connect()]);
  try {
    const begin = 'BEGIN; SELECT pg_current_xact_id(); SELECT FROM suppression';
    await writer.query(begin); // as at the start of a batch
    await other.query('BEGIN; SELECT pg_current_xact_id()');
    const { erasure } = await erasures.request(
      {
        mode: 'suppress',
        installationIds: [randomUUID()],
      },
      'erika',
    );
    let isOver = false;
    const running = carryOut().then(() => (isOver = true));
    await vi.waitFor(async () => {
      expect(await erasures.get(erasure.id)).toMatchObject({ state: 'suppressing' });
    });
    await sleep(300);
    expect(isOver).toBe(false);
    await writer.query(`COMMIT; ${begin}`); // the next transaction sees it
    await running;
  } finally {
    await Promise.all([writer.end(), other.end()]);
  }
});

test('an erasure in mode erase neither leaves a suppression nor ends one', async () => {
  const [id, suppressed] = [randomUUID(), randomUUID()];
  await erasures.request({ mode: 'suppress', installationIds: [suppressed] }, 'erika');
  await carryOut();
  await erasures.request({ mode: 'erase', installationIds: [id, suppressed] }, 'erika');
  await carryOut();
  await save(writers[0]!, [...eventsOf(id), ...eventsOf(suppressed)]);
  expect(isEmpty(await rowsOf(id))).toBe(false);
  expect(isEmpty(await rowsOf(suppressed))).toBe(true);
});

test('an erasure of what was received until a time has later events judged by the opt-outs that stay', async () => {
  const installationId = randomUUID();
  const at = (hours: number) => new Date(NOW + hours * 3_600_000);
  const of = (event: string, received: number, occurred: number): EventEnvelope => ({
    ...{ receivedAt: at(received).getTime(), occurredAt: at(occurred).toISOString() },
    ...{ product: 'dcos', id: randomUUID(), installationId, event },
    properties: { 'health-unit-a-total': 3, 'health-unit-a-unhealthy': 1 },
  });
  await save(writers[0]!, [of('health', -9, -9), of('opted_out', -5, -5), of('health', -4, -6)]);
  // As a batch stores it that does not find the opt-out.
  const [stored, late] = [at(-4), at(-4.5)];
  await owner.ask(
    'UPDATE report SET observed_at = $1 WHERE installation_id = $2 AND received_at = $3',
    [...[late, installationId, stored]],
  );
  const { erasure } = await erasures.request(
    { mode: 'erase', installationIds: [installationId] },
    'erika',
  );
  await owner.ask('UPDATE erasure_target SET received_until = $1 WHERE erasure_id = $2', [
    ...[at(-8), erasure.id],
  ]);
  await carryOut();
  const times = () =>
    owner.ask('SELECT observed_at FROM report WHERE installation_id = $1 AND observed_at = $2', [
      ...[installationId, late],
    ]);
  expect(await times()).toHaveLength(1);
  while (await writers[0]!.removeOptedOut());
  expect(await times()).toEqual([]);
});

test('repeating a request returns the same erasure', async () => {
  const ids = [randomUUID(), randomUUID()];
  const ask = (installationIds: string[], idempotencyKey?: string) =>
    erasures.request({ mode: 'suppress', installationIds, idempotencyKey }, 'erika');
  const first = await ask(ids);
  expect(first.isNew).toBe(true);
  expect(await ask(ids.toReversed())).toEqual({ erasure: first.erasure, isNew: false });
  expect((await ask([ids[0]!])).isNew).toBe(true);
  const keyed = await ask(ids.slice(1), 'key-1');
  expect(await ask(ids.slice(1), 'key-1')).toEqual({ erasure: keyed.erasure, isNew: false });
  await carryOut();
  expect((await ask(ids)).isNew).toBe(true);
  expect((await ask(ids.slice(1), 'key-1')).erasure.id).toBe(keyed.erasure.id);
  await carryOut();
});

test('an idempotency key cannot be used again for other installations or another mode', async () => {
  const [one, other, former] = [randomUUID(), randomUUID(), randomUUID()];
  await save(writers[0]!, eventsOf(former));
  const request = { mode: 'erase' as const, installationIds: [one], formerIds: [former] };
  const key = { idempotencyKey: 'key-2' };
  const first = await erasures.request({ ...request, ...key }, 'erika');
  await carryOut();
  const again = await erasures.request({ ...request, ...key }, 'erika');
  expect(again.erasure.id).toBe(first.erasure.id);
  for (const changed of [
    { installationIds: [other] },
    { installationIds: [one, other] },
    { formerIds: [] },
    { mode: 'erase_and_suppress' as const },
  ]) {
    const asking = erasures.request({ ...request, ...key, ...changed }, 'erika');
    await expect(asking).rejects.toThrow(IdempotencyKeyReused);
  }
});

test('an erasure, also when repeated, includes ids of earlier releases if they are stored', async () => {
  const [id, former, unknown] = [randomUUID(), randomUUID(), randomUUID()];
  await save(writers[0]!, [...eventsOf(id), ...eventsOf(former)]);
  const request = { mode: 'erase_and_suppress' as const, installationIds: [id] };
  const first = await erasures.request({ ...request, formerIds: [former, unknown] }, 'erika');
  expect(first.erasure.installations).toBe(1);
  const again = await erasures.request({ ...request, formerIds: [unknown, former] }, 'erika');
  expect(again).toEqual({ erasure: first.erasure, isNew: false });
  await carryOut();
  expect(isEmpty(await rowsOf(id)) && isEmpty(await rowsOf(former))).toBe(true);
  await save(writers[0]!, [...eventsOf(former), ...eventsOf(unknown)]);
  expect(isEmpty(await rowsOf(former))).toBe(true);
  expect(isEmpty(await rowsOf(unknown))).toBe(false);
  const listed = await erasures.list({ installationIds: [unknown, former], limit: 9 });
  expect(listed.map((it) => it.id)).toEqual([first.erasure.id]);

  await erasures.request({ mode: 'lift', installationIds: [id], formerIds: [former] }, 'erika');
  await carryOut();
  await save(writers[0]!, eventsOf(former));
  expect(isEmpty(await rowsOf(former))).toBe(false);
});

test('no row of an erased installation remains, however writers and erasures interleave', async () => {
  const ids = Array.from({ length: atScale(40, 120) }, () => randomUUID());
  const isOver = new AbortController();
  const writing = writers.map(async (writer) => {
    while (!isOver.signal.aborted) {
      const some = Array.from({ length: 12 }, () => ids[Math.floor(Math.random() * ids.length)]!);
      await save(
        writer,
        some.flatMap((id) => eventsOf(id)),
      );
    }
  });
  for (const id of ids)
    await erasures.request({ mode: 'erase_and_suppress', installationIds: [id] }, 'erika');
  const run = async () => {
    await carryOut();
  };
  await Promise.all([run(), run()]);
  isOver.abort();
  await Promise.all(writing);
  for (const writer of writers)
    await save(
      writer,
      ids.flatMap((id) => eventsOf(id)),
    );
  const left = await Promise.all(ids.map(rowsOf));
  expect(left.filter((counts) => !isEmpty(counts))).toEqual([]);
  const dangling = await owner.ask(
    `SELECT count(*)::int AS count FROM report r WHERE kind = 1
        AND NOT EXISTS (SELECT FROM health_snapshot s JOIN unit_set USING (unit_set_id)
                         WHERE s.snapshot_id = r.snapshot_id)`,
  );
  expect(dangling).toEqual([{ count: 0 }]);
  const unbalanced = await owner.ask('SELECT FROM fleet.ingest_balance WHERE unaccounted <> 0');
  expect(unbalanced).toEqual([]);
}, 60_000);

test('a failed erasure is retried, and continues where it stopped', async () => {
  const id = randomUUID();
  await save(writers[0]!, eventsOf(id));
  const { erasure } = await erasures.request(
    { mode: 'erase_and_suppress', installationIds: [id] },
    'erika',
  );
  const failing = {
    ...CONTEXT,
    certify: () => {
      throw new Error('no');
    },
  };
  await expect(carryOut(failing)).rejects.toThrow('no');
  expect(await erasures.get(erasure.id)).toMatchObject({
    state: 'verifying',
    failure: 'interrupted',
  });
  await owner.ask(`UPDATE erasure SET claimed_until = now() - interval '1 second'`);
  expect(await carryOut()).toEqual([erasure.id]);
  const done = await erasures.get(erasure.id);
  expect(done).toMatchObject({ state: 'complete', failure: null, removed: { report: 5 } });
});
