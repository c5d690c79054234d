/**
 * Measures the rate of replays relative to the write path of new events, alternately with the same
 * events in the same database. Absolute values depend on the machine; compare the ratio.
 */
import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Database, migrate, QuarantineStore, TelemetryStore } from '#storage';
import {
  compileProducts,
  hourOf,
  normalise,
  normaliseKept,
  type EventEnvelope,
  type KeptEvent,
  type NormaliseOptions,
} from '#telemetry';
import { findFreePort, ensureDatabase, startPostgres, Teardown } from '#devservers';
import { HealthEvents } from './health-events.js';
import { describeReplay, type ReplayRound } from './replay-figures.js';
import { readReplayOptions, USAGE, type ReplayOptions } from './replay-options.js';
import { runBenchmark, say } from './run-benchmark.js';

const DATABASE = 'muster_replay';
const INSTALLATIONS = 1000;
const BATCH_EVENTS = 256;
const retentionMs = 400 * 24 * 3_600_000;
/** With these options the events are unknown and therefore quarantined. */
const UNDECLARED: NormaliseOptions = { products: new Map(), retentionMs };
const DECLARED: NormaliseOptions = { products: compileProducts(), retentionMs };

interface Stores {
  writer: TelemetryStore;
  quarantine: QuarantineStore;
}

async function measure(
  { events, rounds }: ReplayOptions,
  stopping: AbortSignal,
): Promise<ReplayRound[]> {
  const teardown = new Teardown();
  try {
    const databaseUrl = await startDatabase(teardown);
    const connections = { connections: 6, writeConnections: 6 };
    const database = new Database({ databaseUrl, name: 'muster-bench', ...connections });
    teardown.add(() => database.close());
    const writer = new TelemetryStore({ database, suppressionKey: 'of the bench' });
    const quarantine = new QuarantineStore(database);
    const health = new HealthEvents(INSTALLATIONS);
    const measured: ReplayRound[] = [];
    for (let number = 0; number <= rounds; number += 1) {
      say(number === 0 ? 'Warming up ...' : `Round ${number} of ${rounds} ...`);
      const round = await runRound({ writer, quarantine }, health, events, stopping);
      if (number > 0) measured.push(round);
    }
    return measured;
  } finally {
    await teardown.run();
  }
}

async function startDatabase(teardown: Teardown): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  teardown.add(() => rm(dir, { recursive: true, force: true }));
  // If started by root, Postgres runs as another user, who must be able to traverse this folder.
  await chmod(dir, 0o711);
  const postgres = await startPostgres({
    dir: join(dir, 'postgres'),
    logFile: join(dir, 'postgres.log'),
    pidFile: join(dir, 'postgres.pid'),
    port: await findFreePort(),
    password: randomUUID(),
  });
  teardown.add(() => postgres.stop());
  await ensureDatabase(postgres.urlOf('postgres'), DATABASE);
  await migrate({ databaseUrl: postgres.urlOf(DATABASE) });
  return postgres.urlOf(DATABASE);
}

async function runRound(
  { writer, quarantine }: Stores,
  health: HealthEvents,
  events: number,
  signal: AbortSignal,
): Promise<ReplayRound> {
  const rate = async (work: () => Promise<void>) => {
    signal.throwIfAborted();
    const startedAt = performance.now();
    await work();
    return (1000 * events) / (performance.now() - startedAt);
  };
  const save = async (options: NormaliseOptions, writers: number) => {
    const waiting = [...newEnvelopes(health, events)];
    return rate(async () => {
      const write = async () => {
        while (waiting.length > 0 && !signal.aborted) {
          await saveBatch(writer, waiting.splice(0, BATCH_EVENTS), options);
        }
      };
      await Promise.all(Array.from({ length: writers }, write));
    });
  };
  const stored = await save(DECLARED, 1);
  const storedByFour = await save(DECLARED, 4);
  const quarantined = await save(UNDECLARED, 4);
  const replayed = await rate(() => replay(writer, quarantine, events, signal));
  return { stored, storedByFour, quarantined, replayed };
}

function* newEnvelopes(health: HealthEvents, count: number): Generator<EventEnvelope> {
  for (let number = 0; number < count; number += 1) {
    const installationId = health.installations[number % INSTALLATIONS] ?? '';
    const { product, event } = health;
    // Numbers only, for a fair comparison, because unknown events keep no text.
    const figures = Object.entries(health.properties(installationId)).filter(
      ([, value]) => typeof value === 'number',
    );
    const properties = Object.fromEntries(figures);
    yield {
      ...{ receivedAt: Date.now(), product, id: randomUUID(), installationId, event, properties },
    };
  }
}

async function saveBatch(
  writer: TelemetryStore,
  envelopes: readonly EventEnvelope[],
  options: NormaliseOptions,
): Promise<void> {
  const accepted = envelopes.map(({ product, receivedAt }) => {
    return { product, hour: hourOf(receivedAt), count: 1 };
  });
  const events = envelopes.map((envelope) => normalise(envelope, options));
  await writer.save({ batchId: randomUUID(), gatheredAt: Date.now(), accepted, events });
}

/** @throws if it does not store all of them */
async function replay(
  store: TelemetryStore,
  quarantine: QuarantineStore,
  events: number,
  signal: AbortSignal,
): Promise<void> {
  await quarantine.request({ kind: 'replay', filter: {}, requestedBy: 'bench' });
  const read = (kept: KeptEvent, eventKey: string) => normaliseKept(kept, eventKey, DECLARED);
  const id = await quarantine.runNext({ normalise: read, store, signal });
  signal.throwIfAborted();
  const job = id === null ? null : await quarantine.job(id);
  if (job?.stored !== events) throw new Error(`${job?.stored} of ${events} events were stored.`);
}

await runBenchmark({
  usage: USAGE,
  readOptions: readReplayOptions,
  measure,
  describe: describeReplay,
});
