import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ErasureStore, TelemetryStore, type ErasureMode, type WorkerContext } from '#storage';
import { compileProducts, normalise } from '#telemetry';
import { Asker, createDatabase, type TestDatabase, connectionsOf } from './support/database.js';
import { ALONE } from './support/erasures.js';

const NOW = Date.now();
const OPTIONS = { products: compileProducts(), retentionMs: 400 * 86_400_000 };
const suppressionKey = 'only-for-tests';
const CONTEXT = ALONE;

let database: TestDatabase;
let owner: Asker;
let writer: TelemetryStore;
let erasures: ErasureStore;

beforeAll(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  const options = { database: connectionsOf(database.appUrl), suppressionKey };
  writer = new TelemetryStore(options);
  erasures = new ErasureStore(options);
});

afterAll(async () => {
  await owner.end();
  await database.drop();
});

async function save(installationId: string, count = 1): Promise<void> {
  const envelopes = Array.from({ length: count }, () => ({
    ...{ receivedAt: NOW, product: 'dcos', id: randomUUID(), installationId, event: 'health' },
    properties: { 'health-unit-a-total': 3, 'health-unit-a-unhealthy': 1 },
  }));
  await writer.save({
    ...{ batchId: randomUUID(), gatheredAt: NOW },
    accepted: [{ product: 'dcos', hour: NOW, count }],
    events: envelopes.map((envelope) => normalise(envelope, OPTIONS)),
  });
}

async function reportsOf(installationId: string): Promise<number> {
  const [row] = await owner.ask(
    'SELECT count(*)::int AS count FROM report WHERE installation_id = $1',
    [installationId],
  );
  return row!.count as number;
}

async function ask(mode: ErasureMode, ...installationIds: string[]): Promise<string> {
  const { erasure } = await erasures.request({ mode, installationIds }, 'erika');
  return erasure.id;
}

async function carryOut(context: WorkerContext = CONTEXT): Promise<void> {
  for (;;) {
    const suppressed = await erasures.suppressNext(context);
    const erased = await erasures.eraseNext(context);
    if (suppressed.isIdle && erased.isIdle) return;
  }
}

const expireClaims = () =>
  owner.ask(`UPDATE erasure SET claimed_until = NULL WHERE state <> 'complete'`);

test('events are suppressed from the request on, before a worker processes it', async () => {
  const id = randomUUID();
  await ask('erase_and_suppress', id);
  await save(id);
  expect(await reportsOf(id)).toBe(0);
  await carryOut();
});

test('suppressions are confirmed and completed during a long erasure', async () => {
  const [slow, quick, other] = [randomUUID(), randomUUID(), randomUUID()];
  const first = await ask('erase_and_suppress', slow);
  await erasures.suppressNext(CONTEXT);
  await erasures.eraseNext({
    ...CONTEXT,
    emptyQueue: async () => {
      const [suppression, erasure] = [await ask('suppress', quick), await ask('erase', other)];
      await erasures.suppressNext(CONTEXT);
      expect(await erasures.get(suppression)).toMatchObject({ state: 'complete' });
      expect(await erasures.get(erasure)).toMatchObject({
        ...{ state: 'suppressing', suppressedAt: expect.any(String) },
      });
      expect(await erasures.get(first)).toMatchObject({ state: 'erasing' });
    },
  });
  await carryOut();
});

test('erasures that run together have separate counts', async () => {
  const [one, two, three] = [randomUUID(), randomUUID(), randomUUID()];
  await save(one, 3);
  await save(two, 5);
  const first = await ask('erase_and_suppress', one);
  const second = await ask('erase', two, three);
  await erasures.suppressNext(CONTEXT);
  const { completed } = await erasures.eraseNext(CONTEXT);
  expect(completed.sort()).toEqual([first, second].sort());
  expect(await erasures.get(first)).toMatchObject({
    removed: { report: 3, installation: 1, defect: 0 },
  });
  expect(await erasures.get(second)).toMatchObject({
    removed: { report: 5, installation: 1, defect: 0 },
  });
  const contents = (await Promise.all([first, second].map((id) => erasures.get(id)))).map(
    (it) => it!.removed.health_snapshot ?? 0,
  );
  // All reports share one snapshot. It was removed with the last of them and is counted once.
  expect(contents.sort()).toEqual([0, 1]);
});

test.each<[ErasureMode[], boolean]>([
  [['suppress', 'lift'], false],
  [['lift', 'suppress'], true],
  [['suppress', 'lift', 'erase'], false],
  [['suppress', 'erase'], true],
  [['erase', 'suppress'], true],
  [['erase_and_suppress', 'lift'], false],
  [['erase_and_suppress', 'lift', 'erase_and_suppress'], true],
  [['erase', 'erase_and_suppress', 'lift', 'suppress', 'lift', 'erase'], false],
])(
  'of %j, requested in this order, the last decides whether events are suppressed',
  async (modes, isLasting) => {
    const id = randomUUID();
    await save(id);
    for (const mode of modes) await ask(mode, id);
    await save(id);
    await carryOut();
    const hasErased = modes.some((mode) => mode.startsWith('erase'));
    expect(await reportsOf(id)).toBe(hasErased ? 0 : 1);
    const before = await reportsOf(id);
    await save(id);
    expect((await reportsOf(id)) > before).toBe(!isLasting);
  },
);

test('a worker whose claim was taken over does not continue', async () => {
  const id = randomUUID();
  await save(id);
  const erasure = await ask('erase', id);
  await erasures.suppressNext(CONTEXT);
  const frozen = erasures.eraseNext({
    ...CONTEXT,
    emptyQueue: async () => {
      await expireClaims();
      await erasures.eraseNext(CONTEXT);
      await save(id); // no longer suppressed
    },
  });
  await expect(frozen).rejects.toThrow('Another worker has claimed the work.');
  expect(await erasures.get(erasure)).toMatchObject({ state: 'complete', removed: { report: 1 } });
  expect(await reportsOf(id)).toBe(1);
});

test('an erasure that keeps failing does not block others', async () => {
  const [poor, fine] = [randomUUID(), randomUUID()];
  const failing = await ask('erase_and_suppress', poor);
  const other = await ask('erase_and_suppress', fine);
  const context: WorkerContext = {
    ...CONTEXT,
    certify: (facts) => {
      if (facts.id === failing) throw new Error('no');
      return facts;
    },
  };
  await erasures.suppressNext(context);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await expect(erasures.eraseNext(context)).rejects.toThrow('no');
    await expireClaims();
  }
  await expect(erasures.eraseNext(context)).rejects.toThrow('no');
  expect(await erasures.eraseNext(context)).toMatchObject({ completed: [other] });
  expect(await erasures.get(failing)).toMatchObject({ failure: 'interrupted' });
  expect(await erasures.get(other)).toMatchObject({ state: 'complete', failure: null });
  await expireClaims();
  await carryOut();
  expect(await erasures.get(failing)).toMatchObject({ state: 'complete', failure: null });
});

test('a stopping worker releases its erasures immediately', async () => {
  const id = randomUUID();
  await save(id);
  const erasure = await ask('erase_and_suppress', id);
  await erasures.suppressNext(CONTEXT);
  const stopping = new AbortController();
  const interrupted = erasures.eraseNext({
    ...{ ...CONTEXT, stopping: stopping.signal },
    emptyQueue: async () => stopping.abort(),
  });
  await expect(interrupted).rejects.toThrow('aborted');
  expect(await erasures.get(erasure)).toMatchObject({ state: 'erasing', failure: null });
  expect(await erasures.eraseNext(CONTEXT)).toMatchObject({ completed: [erasure] });
});
