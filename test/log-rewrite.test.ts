import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, expect, test, vi } from 'vitest';
import { LogRewriter } from '#queue';
import { startAdmin } from './support/admin.js';
import { startMuster } from './support/muster.js';
import { connectTo, startRedis, type PrivateRedis } from './support/redis.js';

const stops: (() => unknown)[] = [];

afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
});

async function ownRedis(...extra: string[]): Promise<PrivateRedis & { client: Redis }> {
  const redis = await startRedis({ extra });
  const client = new Redis(redis.url);
  stops.push(
    () => redis.stop(),
    () => client.disconnect(),
  );
  return Object.assign(redis, { client });
}

/** The content of all append-only files. */
async function appendOnlyFile(client: Redis): Promise<string> {
  const [, dir = ''] = await client.config('GET', 'dir');
  const folder = join(dir, 'appendonlydir');
  const files = await readdir(folder);
  const texts = await Promise.all(
    files.map((file) => readFile(join(folder, file), 'latin1').catch(() => '')),
  );
  return texts.join('');
}

/**
 * Erases an installation whose event a worker has stored.
 * @returns the event as it was in Redis, and the certificate
 */
async function eraseOne(redis: PrivateRedis & { client: Redis }) {
  const muster = await startMuster({ redisUrl: redis.url, workers: 0 });
  stops.push(() => muster.stop());
  const admin = await startAdmin(muster);
  stops.push(() => admin.stop());
  const installationId = randomUUID();
  const event = { installationId, product: 'dcos', event: 'health', properties: {} };
  await muster.post('/v1/events', event, { headers: { authorization: 'Bearer wk_dcos' } });
  const [job = ''] = (await redis.client.keys(`${muster.queuePrefix}:envelopes:*`)).filter(
    (key) =>
      /:[\w-]+$/.test(key) &&
      !/:(wait|meta|id|marker|events|stalled-check|delayed|active)$/.test(key),
  );
  const data = (await redis.client.hget(job, 'data')) ?? '';
  expect(data.length).toBeGreaterThan(50);
  await muster.addWorker();
  await muster.drained();
  expect(await appendOnlyFile(redis.client)).toContain(data);
  const { json } = await admin.ask('DELETE', `/v1/installations/${installationId}`);
  const certificate = await vi.waitFor(
    async () => {
      const { status, json: it } = await admin.ask(
        'GET',
        `/v1/erasures/${json.erasure.id}/certificate`,
      );
      expect(status).toBe(200);
      expect(it.statement.redisAppendOnlyFile.state !== 'pending' || it.addendum).toBeTruthy();
      return it;
    },
    { timeout: 30_000, interval: 100 },
  );
  return { data, certificate };
}

test('when the certificate states a rewrite, the append-only file of Redis no longer contains the erased event', async () => {
  const redis = await ownRedis();
  const { data, certificate } = await eraseOne(redis);
  const { redisAppendOnlyFile } = (certificate.addendum ?? certificate).statement;
  expect(redisAppendOnlyFile).toEqual({
    state: 'rewritten',
    rewrittenAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  });
  await vi.waitFor(async () => expect(await appendOnlyFile(redis.client)).not.toContain(data));
  expect(certificate.statement.remains).toMatchObject({
    dataFiles: expect.any(String),
    plannerStatistics: expect.any(String),
    redisSnapshots: expect.any(String),
    writeAheadLog: expect.any(String),
    backups: expect.stringContaining('not stated'),
  });
}, 60_000);

test('if Redis forbids the rewrite, the certificate states that', async () => {
  const redis = await ownRedis('rename-command BGREWRITEAOF ""');
  const { certificate } = await eraseOne(redis);
  const { redisAppendOnlyFile } = (certificate.addendum ?? certificate).statement;
  expect(redisAppendOnlyFile).toEqual({ state: 'not_permitted', rewrittenAt: null });
}, 60_000);

test('all processes share a minimum interval between rewrites, and none starts without an append-only file', async () => {
  const redis = await ownRedis();
  const newRewriter = () => new LogRewriter(connectTo(redis.url, 'test'));
  const [one, other] = [newRewriter(), newRewriter()];
  const outcomes = await Promise.all([one.rewrite(), other.rewrite()]);
  expect(outcomes.toSorted()).toEqual(['rewritten', 'waiting']);
  expect(await one.rewrite()).toBe('waiting');
  expect(await one.isDue()).toBe(false);
  await redis.client.config('SET', 'appendonly', 'no');
  expect(await other.rewrite()).toBe('off');
});
