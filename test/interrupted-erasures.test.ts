import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Database, ErasureStore, Rollups, TelemetryStore } from '#storage';
import { compileProducts, normalise, type EventEnvelope } from '#telemetry';
import { Asker, createDatabase, type TestDatabase, connectionsOf } from './support/database.js';
import { carryOut } from './support/erasures.js';

const NOW = Date.now();
const DAY_MS = 86_400_000;
const OPTIONS = { products: compileProducts(), retentionMs: 400 * DAY_MS };
const suppressionKey = 'only-for-tests';
const NAME = 'muster-interrupted';
const ERASURES = 13;
const LIMIT_MS = 60_000;

let database: TestDatabase;
let owner: Asker;
/** The connections of the worker. The test cuts them. */
let worker: Database;
let onStatement: () => void = () => undefined;

beforeAll(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  worker = new Database({
    ...{ databaseUrl: database.appUrl, name: NAME, connections: 4 },
    onProgress: () => onStatement(),
  });
});

afterAll(async () => {
  await worker.close();
  await owner.end();
  await database.drop();
});

/** Events of every kind on several days. */
function eventsOf(installationId: string): EventEnvelope[] {
  return Array.from({ length: 5 }, (_, day) => {
    const of = (event: string, properties: Record<string, unknown>): EventEnvelope => ({
      ...{ receivedAt: NOW - day * DAY_MS, product: 'dcos', id: randomUUID(), installationId },
      ...{ event, properties },
    });
    return [
      of('health', { 'health-unit-a-total': 3 + day, 'health-unit-a-unhealthy': 1 }),
      of('mesos_track', { cpu_total: day + 1, frameworks: [{ name: 'kafka' }] }),
      of('package_list', { package_list: [{ name: 'kafka' }] }),
      of('unheard-of', { x: 1 }),
    ];
  }).flat();
}

async function requestAll(store: ErasureStore): Promise<string[]> {
  const ids = Array.from({ length: ERASURES }, () => randomUUID());
  const telemetry = new TelemetryStore({ database: connectionsOf(database.url), suppressionKey });
  const events = ids.flatMap(eventsOf).map((envelope) => normalise(envelope, OPTIONS));
  await telemetry.save({ batchId: randomUUID(), gatheredAt: NOW, accepted: [], events });
  await new Rollups(connectionsOf(database.url)).refresh();
  const requested = [];
  for (const id of ids) {
    requested.push(
      await store.request({ mode: 'erase_and_suppress', installationIds: [id] }, 'erika'),
    );
  }
  return requested.map(({ erasure }) => erasure.id);
}

/** Counts the statements of an undisturbed erasure. */
async function measureOnePass(): Promise<number> {
  const store = new ErasureStore({ database: worker, suppressionKey });
  await requestAll(store);
  let statements = 0;
  onStatement = () => (statements += 1);
  await carryOut(store);
  return statements;
}

const cutConnections = () =>
  owner.ask(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = $1 AND datname = current_database()`,
    [NAME],
  );

const removedBy = (erasures: readonly string[]) =>
  owner.ask(
    `SELECT state, removed - 'metric_set' - 'unit_set' AS removed, verified IS NOT NULL AS is_verified
       FROM erasure WHERE erasure_id = ANY ($1)`,
    [erasures],
  );

test('erasures complete although their connections are cut several times in each pass', async () => {
  const statements = await measureOnePass();
  const store = new ErasureStore({ database: worker, suppressionKey });
  const erasures = await requestAll(store);
  let sinceCut = 0;
  let cuts = 0;
  onStatement = () => {
    sinceCut += 1;
    if (sinceCut < statements / 5) return;
    sinceCut = 0;
    cuts += 1;
    void cutConnections();
  };
  const since = performance.now();
  for (let isDone = false; !isDone;) {
    expect(performance.now() - since).toBeLessThan(LIMIT_MS);
    isDone = await carryOut(store).then(
      (completed) => completed > 0 || cuts > 0,
      () => false,
    );
  }
  expect(cuts).toBeGreaterThanOrEqual(5);
  const done = await removedBy(erasures);
  expect(done).toHaveLength(ERASURES);
  for (const { state, is_verified } of done) {
    expect({ state, is_verified }).toEqual({ state: 'complete', is_verified: true });
  }
  const counted = done.map(({ removed }) => (removed as { report: number }).report);
  expect(counted).toEqual(Array.from({ length: ERASURES }, () => 15));
}, 120_000);
