import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { certify, Database, ErasureStore, TelemetryStore, type WorkerContext } from '#storage';
import { compileProducts, normalise } from '#telemetry';
import { Asker, createDatabase, type TestDatabase, connectionsOf } from './support/database.js';
import { ALONE, carryOut } from './support/erasures.js';

const OPTIONS = { products: compileProducts(), retentionMs: 400 * 86_400_000 };
const suppressionKey = 'only-for-tests';
const NAME = 'muster-failing';

let database: TestDatabase;
let owner: Asker;
let worker: Database;
let writer: TelemetryStore;
let erasures: ErasureStore;

beforeAll(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  writer = new TelemetryStore({ database: connectionsOf(database.appUrl), suppressionKey });
  worker = new Database({ databaseUrl: database.appUrl, name: NAME, connections: 4 });
  erasures = new ErasureStore({ database: worker, suppressionKey });
});
afterEach(() => owner.ask('DROP FUNCTION IF EXISTS fail CASCADE'));
afterAll(async () => {
  await worker.close();
  await owner.end();
  await database.drop();
});

async function save(installationId: string): Promise<void> {
  const receivedAt = Date.now();
  const envelope = {
    ...{ receivedAt, product: 'dcos', id: randomUUID(), installationId, event: 'health' },
    properties: { 'health-unit-a-total': 3, 'health-unit-a-unhealthy': 1 },
  };
  const events = [normalise(envelope, OPTIONS)];
  await writer.save({ batchId: randomUUID(), gatheredAt: receivedAt, accepted: [], events });
}

const reportsOf = async (id: string) =>
  (await owner.ask('SELECT FROM report WHERE installation_id = $1', [id])).length;

async function ask(installationId: string): Promise<string> {
  const request = { mode: 'erase' as const, installationIds: [installationId] };
  return (await erasures.request(request, 'erika')).erasure.id;
}

/** Removing a report of this installation fails. */
const breakRemovalOf = (id: string) =>
  owner.ask(`
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
      $$BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '22003'; END$$;
    CREATE TRIGGER failing BEFORE DELETE ON report FOR EACH ROW
      WHEN (OLD.installation_id = '${id}') EXECUTE FUNCTION fail()`);

/** Attempts until none is left to do. Does not wait between them. */
async function attemptAll(context: WorkerContext, most = 30): Promise<number> {
  for (let failures = 0; ;) {
    await owner.ask('UPDATE erasure SET claimed_until = NULL');
    const isIdle = await carryOut(erasures, context).then(
      () => true,
      () => false,
    );
    if (isIdle) return failures;
    failures += 1;
    if (failures >= most) return failures;
  }
}

test('an erasure that keeps failing is failed after ten attempts, and a retry completes it', async () => {
  const [poor, fine] = [randomUUID(), randomUUID()];
  await save(poor);
  await save(fine);
  const [failing, other] = [await ask(poor), await ask(fine)];
  await breakRemovalOf(poor);
  expect(await attemptAll(ALONE)).toBe(10);
  expect(await erasures.get(other)).toMatchObject({ state: 'complete' });
  expect(await erasures.get(failing)).toMatchObject({ state: 'failed', failure: '22003' });
  const entries = () =>
    owner.ask(
      `SELECT actor, act, outcome, installation_hash IS NOT NULL AS has_hash, detail->>'failure' AS failure
         FROM audit_log WHERE detail->>'erasureId' = $1 AND act <> 'erasure.request' ORDER BY audit_id`,
      [failing],
    );
  const failed = { actor: 'worker', act: 'erasure.fail', outcome: 'failed' };
  expect(await entries()).toEqual([{ ...failed, has_hash: true, failure: '22003' }]);
  await save(poor);
  expect(await reportsOf(poor)).toBe(1);

  await owner.ask('DROP FUNCTION fail CASCADE');
  expect(await carryOut(erasures)).toBe(0);
  expect(await erasures.retry(failing, 'erika')).toMatchObject({ state: 'erasing', failure: null });
  expect(await erasures.retry(failing, 'erika')).toBeNull();
  expect(await entries()).toMatchObject([{}, { actor: 'erika', act: 'erasure.retry' }]);
  expect(await carryOut(erasures)).toBe(1);
  expect(await erasures.get(failing)).toMatchObject({ state: 'complete', failure: null });
  expect(await reportsOf(poor)).toBe(0);
});

test('a later erasure of an installation does not wait for a failed one, whose suppression stays', async () => {
  const [poor, shared] = [randomUUID(), randomUUID()];
  await save(poor);
  await save(shared);
  const request = { mode: 'erase' as const, installationIds: [poor, shared] };
  const failing = (await erasures.request(request, 'erika')).erasure.id;
  await breakRemovalOf(poor);
  expect(await attemptAll(ALONE)).toBe(10);
  const later = await ask(shared);
  expect(await carryOut(erasures)).toBe(1);
  expect(await erasures.get(later)).toMatchObject({ state: 'complete' });
  await save(shared);
  expect(await reportsOf(shared)).toBe(0);

  await owner.ask('DROP FUNCTION fail CASCADE');
  await erasures.retry(failing, 'erika');
  expect(await carryOut(erasures)).toBe(1);
  await save(shared);
  expect(await reportsOf(shared)).toBe(1);
});

test.each(['emptyQueue', 'record'] as const)(
  'erasures stay together and never fail while %s is unavailable',
  async (dependency) => {
    const requested = [await ask(randomUUID()), await ask(randomUUID())];
    const unavailable = () => Promise.reject(new Error('ECONNREFUSED'));
    expect(await attemptAll({ ...ALONE, [dependency]: unavailable }, 12)).toBe(12);
    const failure = dependency === 'record' ? 'ledger_unavailable' : 'queue_unavailable';
    expect(await erasures.get(requested[0]!)).toMatchObject({ failure });
    await owner.ask('UPDATE erasure SET claimed_until = NULL');
    await erasures.suppressNext(ALONE);
    const { completed } = await erasures.eraseNext(ALONE);
    expect(completed.sort()).toEqual(requested.sort());
  },
);

test('lost connections do not count as failures, however many', async () => {
  const id = await ask(randomUUID());
  const emptyQueue = async () => {
    await owner.ask(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE $1',
      [`${NAME}%`],
    );
  };
  expect(await attemptAll({ ...ALONE, emptyQueue }, 12)).toBe(12);
  expect(await erasures.get(id)).toMatchObject({ state: 'erasing', failure: null });
  expect(await carryOut(erasures)).toBe(1);
});

test('a certificate consists of the documented fields', async () => {
  const id = await ask(randomUUID());
  const { privateKey: key } = generateKeyPairSync('ed25519');
  await carryOut(erasures, {
    ...ALONE,
    certify: (facts) => certify(facts, { key, software: 'muster' }),
  });
  const { statement } = (await erasures.certificate(id))!;
  expect(Object.keys(statement).sort()).toEqual([
    ...['completedAt', 'erasedAt', 'id', 'installations', 'ledger', 'mode', 'reappliedAt'],
    ...['redisAppendOnlyFile', 'remains', 'removed', 'requestedAt', 'software', 'suppressedAt'],
    'verified',
  ]);
});
