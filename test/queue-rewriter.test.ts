import { randomUUID } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { QueueRewriter, QueueUnavailable } from '#queue';
import { connectTo, sharedRedis } from './support/redis.js';

const TOKEN = 'test';
const JOBS = 20;

let newRewriter: (activeLimitMs?: number) => QueueRewriter;
let redis: Redis;
let queue: Queue;
let worker: Worker;

beforeAll(() => {
  const { url, queuePrefix: prefix } = sharedRedis();
  newRewriter = (activeLimitMs) => new QueueRewriter(connectTo(url, prefix), activeLimitMs);
  redis = new Redis(url, { maxRetriesPerRequest: null });
  queue = new Queue('envelopes', { connection: redis, prefix });
  worker = new Worker('envelopes', null, { connection: redis, prefix, autorun: false });
});
afterEach(() => queue.obliterate({ force: true }));
afterAll(async () => {
  await Promise.all([worker.close(), queue.close()]);
  redis.disconnect();
});

async function add(...envelopes: object[]): Promise<void> {
  const received = envelopes.map((it) => ({ receivedAt: 1, product: 'dcos', ...it }));
  const packed = deflateRawSync(JSON.stringify(received)).toString('base64');
  await queue.add('batch', { format: 1, envelopes: packed }, { attempts: 2 });
}

async function queued(): Promise<string> {
  const jobs = await queue.getJobs(['waiting', 'active', 'delayed']);
  return jobs
    .map(({ data }) => inflateRawSync(Buffer.from(data.envelopes as string, 'base64')).toString())
    .join();
}

test('two erasures that rewrite the same jobs at once do not restore each other’s events', async () => {
  const [one, other] = [randomUUID(), randomUUID()];
  const of = (installationId: string) => ({ installationId, event: 'x', properties: {} });
  for (let count = 0; count < JOBS; count += 1) await add(of(one), of(other));
  const erasing = [one, other].map((id) => newRewriter().forgetInstallations([id]));
  await Promise.all(erasing);
  const left = await queued();
  expect(left).not.toContain(one);
  expect(left).not.toContain(other);
  expect(left.split('suppressed')).toHaveLength(2 * JOBS + 1);
});

test('a job that is active during an erasure and fails afterwards holds no event of the installation', async () => {
  const id = randomUUID();
  await add({ installationId: id, event: 'x', properties: {} });
  const job = await worker.getNextJob(TOKEN);
  const forgetting = newRewriter().forgetInstallations([id]);
  await expect.poll(queued).not.toContain(id);
  await job.moveToFailed(new Error('no'), TOKEN);
  await forgetting;
  expect(await queued()).toContain('suppressed');
});

test('an erasure also removes queued events that name a former id', async () => {
  const id = randomUUID();
  await add({ installationId: randomUUID(), formerIds: [id], event: 'x', properties: {} });
  await newRewriter().forgetInstallations([id]);
  expect(await queued()).not.toContain(id);
});

test('waiting for active jobs ends after its limit, and when the worker stops', async () => {
  const id = randomUUID();
  await add({ installationId: id, event: 'x', properties: {} });
  await worker.getNextJob(TOKEN);
  await expect(newRewriter(0).forgetInstallations([id])).rejects.toThrow(QueueUnavailable);
  const stopping = new AbortController();
  const { signal } = stopping;
  const forgetting = newRewriter().forgetInstallations([id], { signal });
  stopping.abort();
  await expect(forgetting).rejects.toThrow('abort');
});

test('a purge removes queued events of its key and period only, and they count as blocked', async () => {
  const [key, installationId] = ['0123456789abcdef', randomUUID()];
  const of = (receivedAt: number, more: object) => ({
    ...{ receivedAt, installationId, event: `event-${receivedAt}`, properties: {}, ...more },
  });
  await add(
    of(10, { key }),
    of(20, { key }),
    of(21, { key: 'another' }),
    of(22, {}),
    of(30, { key }),
  );
  await newRewriter().purgeKey({ keyId: key, from: 20, to: 30 });
  const left = JSON.parse(await queued()) as { event?: string; blocked?: true }[];
  expect(left.map((it) => it.event ?? it.blocked)).toEqual([
    'event-10',
    true,
    'event-21',
    'event-22',
    'event-30',
  ]);
});
