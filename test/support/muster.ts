import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { inject } from 'vitest';
import { Teardown } from '#devservers';
import { type App, type AppClass, type AppName, InProcessApp, SpawnedApp } from './app.js';
import { Asker, createDatabase } from './database.js';
import { HttpsClient } from './https.js';
import { sharedRedis } from './redis.js';

const DRAIN_LIMIT_MS = 20_000;

/** The key for hashed ids in tests. */
export const IDENTITY_KEY = 'an-identity-key-that-only-tests-have';
export const SUPPRESSION_KEY = 'a-suppression-key-that-only-tests-have';

export interface MusterOptions {
  /** product → key */
  writeKeys?: Record<string, string>;
  /** Further keys of the same products. */
  moreKeys?: Record<string, string>;
  /** A private Redis, instead of a separate queue in the shared one. */
  redisUrl?: string;
  /** Number of workers to start. Default 1. */
  workers?: number;
  /** Further environment variables of ingest and of the workers. */
  ingestEnv?: Record<string, string>;
  workerEnv?: Record<string, string>;
  /**
   * Keeps connections to ingest and to the admin API open, which saves 3.5 ms of CPU per request. Not for tests that
   * kill or restart them.
   */
  keepAlive?: boolean;
}

export type Muster<A extends App = App> = Awaited<ReturnType<typeof start<A>>>;

/**
 * Starts the built ingest and workers with a separate database and queue.
 *
 * `post`, `get` and `replay` send requests to ingest. `analyst` and `owner` query the database.
 */
export const startMuster = (options: MusterOptions = {}) => start(InProcessApp, options);

/** The same, each app in its own process, so that tests can kill, signal and measure it. */
export const startSpawnedMuster = (options: MusterOptions = {}) => start(SpawnedApp, options);

async function start<A extends App>(AppOf: AppClass<A>, options: MusterOptions) {
  const { tls, erasureKeyFile } = inject('services');
  const writeKeys = options.writeKeys ?? {
    dcos: 'wk_dcos',
    octopus: 'wk_octopus',
    resoto: 'wk_resoto',
  };
  const { url: sharedUrl, queuePrefix } = sharedRedis();
  const redisUrl = options.redisUrl ?? sharedUrl;
  const teardown = new Teardown();
  try {
    const database = await createDatabase();
    teardown.add(() => database.drop());
    const owner = new Asker(database.url);
    teardown.add(() => owner.end());
    const analyst = new Asker(database.analystUrl);
    teardown.add(() => analyst.end());
    const queue = new Queue('envelopes', { prefix: queuePrefix, connection: { url: redisUrl } });
    queue.on('error', () => undefined);
    teardown.add(() => queue.close());

    const newApp = (name: AppName, env: Record<string, string>) => new AppOf(name, env);
    const env = { REDIS_URL: redisUrl, QUEUE_PREFIX: queuePrefix };
    const workerEnv = {
      ...env,
      DATABASE_URL: database.appUrl,
      SUPPRESSION_KEY,
      ERASURE_KEY_FILE: erasureKeyFile,
      ...options.workerEnv,
    };
    const workers: A[] = [];
    /** Starts another worker. */
    const addWorker = async (extra: Record<string, string> = {}) => {
      const worker = newApp('worker', { ...workerEnv, ...extra });
      workers.push(worker);
      teardown.add(() => worker.stop());
      return worker.start();
    };
    const ingestEnv = {
      ...env,
      INGEST_PORT: '0',
      TLS_CERT_FILE: tls.certFile,
      TLS_KEY_FILE: tls.keyFile,
      WRITE_KEYS: [writeKeys, options.moreKeys ?? {}].flatMap(digestsOf).join(),
      IDENTITY_KEY,
      ...options.ingestEnv,
    };
    const ca = await readFile(tls.certFile, 'utf8');
    const agent = options.keepAlive === true && new Agent({ keepAlive: true });
    if (agent) teardown.add(async () => agent.destroy());
    const clientOf = ({ ready }: App) =>
      new HttpsClient(`https://localhost:${ready.port}`, ca, agent);
    /** Starts another ingest with the same queue. */
    const addIngest = async (extra: Record<string, string> = {}) => {
      const app = newApp('ingest', { ...ingestEnv, ...extra });
      teardown.add(() => app.stop());
      await app.start();
      return { app, client: clientOf(app) };
    };
    const ingest = newApp('ingest', { ...ingestEnv });
    teardown.add(() => ingest.stop());
    await Promise.all([
      ingest.start(),
      ...Array.from({ length: options.workers ?? 1 }, () => addWorker()),
    ]);
    const ingestUrl = `https://localhost:${ingest.ready.port}`;
    const { post, get, replay } = clientOf(ingest);
    return {
      ...{ ingestUrl, ca, agent, post, get, replay, writeKeys },
      ...{ ingest, workers, addIngest, addWorker, newApp },
      environments: { ingest: ingestEnv, worker: workerEnv },
      ...{ databaseUrl: database.url, appUrl: database.appUrl, analystUrl: database.analystUrl },
      ...{ analyst: analyst.ask, owner: owner.ask },
      ...{ redisUrl, queuePrefix, queue, drained: () => untilDrained(queue) },
      stop: () => teardown.run(),
    };
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

/** Waits until no job is waiting, active or delayed. @throws if a job has failed permanently */
async function untilDrained(queue: Queue): Promise<void> {
  const giveUpAt = Date.now() + DRAIN_LIMIT_MS;
  for (;;) {
    const { failed = 0, completed, ...open } = await queue.getJobCounts();
    if (failed > 0) throw new Error(`${failed} jobs have failed`);
    if (Object.values(open).every((count) => count === 0)) return;
    if (Date.now() > giveUpAt) throw new Error(`still in the queue: ${JSON.stringify(open)}`);
    await sleep(20);
  }
}

function digestsOf(writeKeys: Record<string, string>): string[] {
  const digest = (key: string) => createHash('sha256').update(key).digest('hex');
  return Object.entries(writeKeys).map(([product, key]) => `${product}:${digest(key)}`);
}
