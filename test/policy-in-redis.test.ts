import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { PolicyFollower, PolicyPublisher, type PolicySource } from '#queue';
import { noPolicy, type Policy } from '#telemetry';
import { connectTo, sharedRedis } from './support/redis.js';

const { url: redisUrl } = sharedRedis();
const redis = new Redis(redisUrl);
/** A worker that was cut from Redis as well has published the policy again by then. */
const PUBLISHED_WITHIN_MS = 3500;
let prefix: string;
const started: (() => unknown)[] = [];

beforeEach(() => {
  prefix = sharedRedis().queuePrefix;
});

afterAll(async () => {
  await Promise.all(started.map((stop) => stop()));
  redis.disconnect();
});

const key = () => `${prefix}:policy`;
const policyOf = (revision: number): Policy => ({ ...noPolicy, revision });

async function publisherOf(source: Partial<PolicySource>) {
  const publisher = new PolicyPublisher(
    connectTo(redisUrl, prefix),
    {
      revision: async () => 1,
      read: async () => policyOf(1),
      overtake: async () => undefined,
      ...source,
    },
    () => undefined,
  );
  started.push(() => publisher.stop());
  await publisher.connected();
  return publisher;
}

async function followerOf({ isRequired = false, waitMs = 1000 } = {}) {
  const seen: (number | string)[] = [];
  const follower = new PolicyFollower(connectTo(redisUrl, prefix), {
    onPolicy: ({ revision }) => seen.push(revision),
    onUnknown: ({ message }) => seen.push(message),
    isRequired,
  });
  started.push(() => follower.stop());
  await follower.start(waitMs);
  return { seen, look: () => follower.look(), state: () => follower.state };
}

test('a policy that was never published is absent, unless keys come from nowhere else', async () => {
  expect((await followerOf()).state()).toBe('absent');
  expect((await followerOf({ isRequired: true })).state()).toBe('unread');
});

test('a policy that may not be published again yet, or was lost after it was read, is unread', async () => {
  const { look, state } = await followerOf({ waitMs: 0 });
  await sleep(500); // connected by then, and soon after the first look at a Redis without a policy
  await look();
  expect(state()).toBe('unread');
  const publisher = await publisherOf({});
  await publisher.publish();
  await look();
  expect(state()).toBe('read');
  await redis.del(key());
  await sleep(PUBLISHED_WITHIN_MS);
  await look();
  expect(state()).toBe('unread');
});

test('an older policy does not replace a newer one', async () => {
  const newer = await publisherOf({ revision: async () => 5, read: async () => policyOf(5) });
  const slow = await publisherOf({
    revision: async () => 4,
    read: async () => {
      await newer.reconcile();
      return policyOf(4);
    },
  });
  expect(await slow.reconcile()).toBe(null);
  expect(await redis.hget(key(), 'revision')).toBe('5');
});

test('a follower keeps its policy if Redis has lost it, or has an older or unreadable one', async () => {
  const publisher = await publisherOf({ revision: async () => 5, read: async () => policyOf(5) });
  await publisher.publish();
  const { seen, look } = await followerOf();
  await redis.del(key());
  expect(await look()).toBe(false);
  await redis.hset(key(), { format: '1', revision: 4, document: '{}' });
  await look();
  await redis.hset(key(), { format: '2', revision: 6, document: '{}' });
  await look();
  await look();
  await redis.hset(key(), { format: '1', revision: 7, document: 'nonsense' });
  await look();
  expect(seen).toEqual([
    5,
    expect.stringContaining('has a format that this version does not support'),
    'The policy in Redis is not valid JSON.',
  ]);
});
