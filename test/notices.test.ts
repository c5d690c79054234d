import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PolicyStore } from '#storage';
import { Listener } from '../libs/storage/database/listener.js';
import { startAdmin, type Admin } from './support/admin.js';
import { connectionsOf } from './support/database.js';
import { startMuster, SUPPRESSION_KEY, type Muster } from './support/muster.js';
import { atScale } from './support/scale.js';

/** Far below the 30 seconds after which a worker looks for work that it had no notice of. */
const SOON = { timeout: 8000, interval: 20 };
const MEASURED_MS = atScale(4000, 15_000);

let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  muster = await startMuster();
  admin = await startAdmin(muster);
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

/** Requests a discard of nothing, without a notice. @returns its state */
function discardUnannounced(): () => Promise<unknown> {
  const id = randomUUID();
  const inserted = muster.owner(
    `INSERT INTO quarantine_job (job_id, kind, filter, state, requested_at, requested_by)
     VALUES ($1, 'discard', '{"event":"x"}', 'requested', now(), 'test')`,
    [id],
  );
  return async () => {
    await inserted;
    const [job] = await muster.owner('SELECT state FROM quarantine_job WHERE job_id = $1', [id]);
    return job?.state as unknown;
  };
}

async function transactions(): Promise<number> {
  // A session that has become idle reports its transactions within a second.
  await sleep(1500);
  const [row] = await muster.owner(
    `SELECT (xact_commit + xact_rollback)::int AS n FROM pg_stat_database WHERE datname = current_database()`,
  );
  return row?.n as number;
}

/** @returns transactions a second */
async function rateOf(durationMs: number): Promise<number> {
  const [before, since] = [await transactions(), performance.now()];
  await sleep(durationMs);
  return ((await transactions()) - before) / ((performance.now() - since) / 1000);
}

test('an idle worker and admin process take less than one transaction a second', async () => {
  // The jobs of a start end sooner or later.
  await expect.poll(() => rateOf(MEASURED_MS), { timeout: 150_000 }).toBeLessThan(1);
}, 200_000);

test('erasures and quarantine jobs start when they are requested', async () => {
  for (let round = 0; round < atScale(2, 5); round += 1) {
    const body = { installationIds: [randomUUID()], mode: 'suppress' };
    const { json } = await admin.ask('POST', '/v1/erasures', body);
    const { id } = json.erasure as { id: string };
    const erasure = async () => (await admin.ask('GET', `/v1/erasures/${id}`)).json.erasure;
    await expect.poll(erasure, SOON).toMatchObject({ state: 'complete' });
    const answer = await admin.ask('POST', '/v1/quarantine/discards', { filter: { event: 'x' } });
    const { id: jobId } = answer.json.job as { id: string };
    const job = async () => (await admin.ask('GET', `/v1/quarantine/jobs/${jobId}`)).json.job;
    await expect.poll(job, SOON).toMatchObject({ state: 'complete' });
  }
}, 60_000);

test('a change of the policy reaches Redis although its process did not publish it', async () => {
  const redis = new Redis(muster.redisUrl);
  const database = connectionsOf(muster.databaseUrl);
  const policy = new PolicyStore({ database, suppressionKey: SUPPRESSION_KEY });
  try {
    await policy.blocks.create(
      { product: 'dcos', event: 'noise', version: null, note: null },
      'erika',
    );
    const revision = String(await policy.revision());
    await expect.poll(() => redis.hget(`${muster.queuePrefix}:policy`, 'revision'), SOON).toBe(revision); // prettier-ignore
  } finally {
    redis.disconnect();
  }
});

test('a worker looks for work after its listening connection broke', async () => {
  const isListening = `application_name = 'muster-worker' AND query LIKE 'LISTEN%' AND datname = current_database()`;
  const before = await muster.owner(`SELECT pid FROM pg_stat_activity WHERE ${isListening}`);
  expect(before).toHaveLength(1);
  const stateOf = discardUnannounced();
  await muster.owner('SELECT pg_terminate_backend($1)', [before[0]?.pid]);
  await expect.poll(stateOf, SOON).toBe('complete');
  const after = await muster.owner(`SELECT pid FROM pg_stat_activity WHERE ${isListening}`);
  expect(after.map(({ pid }) => pid as number)).not.toEqual(before.map(({ pid }) => pid as number));
}, 20_000);

test('what is announced in a notice that was missed is looked for again and again', async () => {
  let listened = 0;
  let looked = 0;
  const listener = new Listener({
    connect: async () => {
      const client = new pg.Client({ connectionString: muster.databaseUrl });
      await client.connect();
      return client;
    },
    ask: async (client, statement) => {
      await client.query(statement);
      listened += 1;
    },
    slowPollMs: 20,
  });
  listener.add('work', () => (looked += listened > 0 ? 1 : 0));
  try {
    await expect.poll(() => looked).toBeGreaterThan(3);
  } finally {
    listener.close();
  }
});
