import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startMuster, type Muster } from './support/muster.js';
import { startRedis, type PrivateRedis } from './support/redis.js';

const WITHIN = { timeout: 15_000, interval: 100 };

let redis: PrivateRedis;
let operator: Redis;
let muster: Muster;

beforeAll(async () => {
  redis = await startRedis();
  const first = new Redis(redis.url);
  await first.call('ACL', 'SETUSER', 'operator', 'on', '>only-for-tests', '~*', '&*', '+@all');
  first.disconnect();
  operator = new Redis(redis.url.replace('//:', '//operator:'));
  muster = await startMuster({ redisUrl: redis.url, ingestEnv: { REDIS_HOLD_MS: '500' } });
});

afterAll(async () => {
  operator.disconnect();
  await muster.stop();
  await redis.stop();
});

const acl = (...rules: string[]) => operator.call('ACL', 'SETUSER', 'default', ...rules);

test.each([
  {
    why: 'is a replica',
    reason: 'read_only',
    begin: () => operator.replicaof('127.0.0.1', '1'),
    end: () => operator.replicaof('NO', 'ONE'),
  },
  {
    why: 'misses replicas',
    reason: 'no_replicas',
    begin: () => operator.config('SET', 'min-replicas-to-write', '1'),
    end: () => operator.config('SET', 'min-replicas-to-write', '0'),
  },
  {
    why: 'is full',
    reason: 'memory',
    begin: () => operator.config('SET', 'maxmemory', '1000kb'),
    end: () => operator.config('SET', 'maxmemory', '512mb'),
  },
  {
    why: 'forbids writes',
    reason: 'not_allowed',
    begin: () => acl('-@write'),
    end: () => acl('+@all'),
  },
  {
    why: 'has another password',
    reason: 'not_allowed',
    begin: async () => {
      await acl('resetpass', '>another');
      await operator.client('KILL', 'USER', 'default');
    },
    end: () => acl('resetpass', '>only-for-tests'),
  },
])('while Redis $why, /health/ready and one log line name the reason', async (state) => {
  const { reason, begin, end } = state;
  await untilReady();
  const logged = muster.ingest.log.length;
  await begin();
  await vi.waitFor(async () => expect(await ready()).toMatchObject(notReady(reason)), WITHIN);
  expect((await post()).status).toBe(503);
  await end();
  await untilReady();
  await vi.waitFor(async () => expect((await post()).status).toBe(202), WITHIN);
  await vi.waitFor(() => expect(changes(logged).at(-1)).toEqual('taken'), WITHIN);
  const lines = changes(logged);
  expect(lines.filter((line) => line === reason)).toEqual([reason]);
  expect(lines.filter((line) => line === 'taken')).toEqual(['taken']);
});

test('ingest is not ready if Redis is a cluster that spreads the queue’s keys over slots', async () => {
  const cluster = await startRedis({ extra: ['cluster-enabled yes'] });
  const client = new Redis(cluster.url);
  await client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  const spread = await startMuster({ redisUrl: cluster.url, workers: 0 });
  try {
    await vi.waitFor(async () => {
      expect(await ready(spread)).toMatchObject(notReady('wrong_node'));
    }, WITHIN);
    expect((await post('wk_dcos', spread)).status).toBe(503);
  } finally {
    client.disconnect();
    await spread.stop();
    await cluster.stop();
  }
});

test('an unknown key gets 401 only if the policy with the keys is loaded', async () => {
  await untilReady();
  await vi.waitFor(async () => expect((await post('wk_unknown')).status).toBe(401), WITHIN);
  const key = `${muster.queuePrefix}:policy`;
  await operator.set(key, 'not a hash');
  await vi.waitFor(async () => expect((await post('wk_unknown')).status).toBe(503), WITHIN);
  const inBody = { writeKey: 'wk_unknown', event: 'health', properties: {} };
  expect((await muster.post('/v1/track', inBody)).status).toBe(503);
  expect((await post()).status).toBe(202);
  expect(await ready()).toMatchObject({
    status: 200,
    json: { status: 'ok', dependencies: { redis: 'ok', policy: 'policy_unread' } },
  });
  const { client: late } = await muster.addIngest();
  expect(await ready(late)).toMatchObject(notReady('policy_unread', 'policy'));
  await operator.del(key);
  await vi.waitFor(async () => expect((await post('wk_unknown')).status).toBe(401), WITHIN);
  await vi.waitFor(async () => expect((await ready(late)).status).toBe(200), WITHIN);
});

test('while Redis has lost the policy, keys that are not known are answered with 503, never 401', async () => {
  await untilReady();
  await vi.waitFor(async () => expect((await post('wk_unknown')).status).toBe(401), WITHIN);
  const [worker] = muster.workers;
  await worker!.stop();
  try {
    await operator.del(`${muster.queuePrefix}:policy`);
    await vi.waitFor(async () => expect((await post('wk_unknown')).status).toBe(503), WITHIN);
    expect((await post()).status).toBe(202);
    const { client: withoutKeys } = await muster.addIngest({ WRITE_KEYS: '' });
    expect(await ready(withoutKeys)).toMatchObject(notReady('policy_unread', 'policy'));
    expect((await post('wk_unknown', withoutKeys)).status).toBe(503);
  } finally {
    await worker!.start();
  }
  await vi.waitFor(async () => expect((await post('wk_unknown')).status).toBe(401), WITHIN);
});

test('ingest with WRITE_KEYS answers 401 at once where nothing was ever published', async () => {
  const { client: alone } = await muster.addIngest({ QUEUE_PREFIX: `${muster.queuePrefix}_new` });
  expect((await post('wk_unknown', alone)).status).toBe(401);
  expect((await post('wk_dcos', alone)).status).toBe(202);
});

test('ingest with REQUIRE_POLICY never answers 401 before a policy was published', async () => {
  const { client: alone } = await muster.addIngest({
    QUEUE_PREFIX: `${muster.queuePrefix}_lost`,
    REQUIRE_POLICY: 'on',
  });
  expect((await post('wk_unknown', alone)).status).toBe(503);
  expect((await post('wk_dcos', alone)).status).toBe(202);
  expect(await ready(alone)).toMatchObject(notReady('policy_unread', 'policy'));
});

async function post(key = 'wk_dcos', to: Pick<Muster, 'post'> = muster) {
  const event = { installationId: randomUUID(), product: 'dcos', event: 'health', properties: {} };
  return to.post('/v1/events', event, { headers: { authorization: `Bearer ${key}` } });
}

async function ready(of: Pick<Muster, 'get'> = muster) {
  const { status, json } = await of.get('/health/ready');
  return { status, json };
}

function notReady(reason: string, dependency = 'redis') {
  const dependencies = { [dependency]: reason };
  return { status: 503, json: { status: 'unavailable', reason, dependencies } };
}

const untilReady = () =>
  vi.waitFor(async () => expect(await ready()).toMatchObject({ status: 200 }), WITHIN);

/**
 * Readiness changes that ingest has logged since then: reasons for refusing events, and recoveries.
 */
function changes(since: number): string[] {
  const lines = muster.ingest.log.slice(since).split('\n').filter(Boolean);
  return lines.flatMap((line) => {
    const { msg, reason } = JSON.parse(line) as { msg: string; reason?: string };
    return msg.startsWith('ingestion paused')
      ? [reason ?? '']
      : msg === 'ingestion resumed'
        ? ['taken']
        : [];
  });
}
