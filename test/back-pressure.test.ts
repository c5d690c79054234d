import { randomBytes, randomUUID } from 'node:crypto';
import { Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { EnvelopeWriter } from '#queue';
import { HttpsClient, type Answer } from './support/https.js';
import { randomLetters } from './support/letters.js';
import { startMuster, type Muster, type MusterOptions } from './support/muster.js';
import { connectTo, startRedis, type PrivateRedis } from './support/redis.js';

/** The promise is one second. The margin is for a busy machine. */
const ANSWER_LIMIT_MS = 1000 + 500;
const KEY = { authorization: 'Bearer wk_dcos' };
const WITHOUT_HOLDING = { REDIS_HOLD_MS: '0' };

let redis: PrivateRedis;
let muster: Muster;
let admin: Redis;

beforeAll(async () => {
  redis = await startRedis();
  admin = new Redis(redis.url);
  admin.on('error', () => undefined);
  muster = await startMuster({ redisUrl: redis.url, ingestEnv: WITHOUT_HOLDING });
});

afterAll(async () => {
  admin.disconnect();
  await muster.stop();
  await redis.stop();
});

describe('when clients send', () => {
  test('and Redis is killed, they get 503, and no acknowledged event is lost', async () => {
    const clients = new Clients(muster);
    await clients.untilAnswered(200, 12);
    await redis.kill();
    await clients.untilAnswered(503, 12);
    await expectHealth(muster, 'unreachable');
    await redis.restart();
    await clients.untilAnswered(200, 12);
    await clients.stop();
    await expectAcknowledgedStoredOnce(clients);
    await expectHealth(muster, null);
  });

  test('and Redis hangs, they get 503 within a second, and no acknowledged event is lost', async () => {
    const clients = new Clients(muster);
    await clients.untilAnswered(200, 12);
    redis.pause();
    await clients.untilAnswered(503, 12);
    await expectHealth(muster, 'unreachable');
    redis.resume();
    await clients.untilAnswered(200, 12);
    await clients.stop();
    await expectAcknowledgedStoredOnce(clients);
    await expectHealth(muster, null);
  });

  test('and Redis runs out of memory, they get 503, and no acknowledged event is lost', async () => {
    const clients = new Clients(muster);
    await clients.untilAnswered(200, 12);
    await admin.config('SET', 'maxmemory', '1mb');
    await clients.untilAnswered(503, 12);
    await expectHealth(muster, 'memory');
    await admin.config('SET', 'maxmemory', '512mb');
    await clients.untilAnswered(200, 12);
    await clients.stop();
    await expectAcknowledgedStoredOnce(clients);
    await expectHealth(muster, null);
  });

  test('and no worker empties the queue, they get 503 before Redis is full', async () => {
    const maxmemory = 10 * 1024 * 1024;
    await admin.config('SET', 'maxmemory', maxmemory);
    await muster.workers[0]!.stop();
    const clients = new Clients(muster, { paddingBytes: 40_000 });
    await clients.untilAnswered(503, 10);
    await expectHealth(muster, 'memory');
    const used = Number(/^used_memory:(\d+)/m.exec(await admin.info('memory'))![1]);
    // Ingest closed above 0.8. Redis has since freed the memory of the pending writes.
    expect(used).toBeGreaterThan(0.7 * maxmemory);
    expect(used).toBeLessThan(maxmemory);
    await muster.workers[0]!.start();
    await clients.untilAnswered(200, 5);
    await clients.stop();
    await expectAcknowledgedStoredOnce(clients);
    await expectHealth(muster, null);
    await admin.config('SET', 'maxmemory', '512mb');
  });
});

describe('a Redis that may lose confirmed writes', () => {
  test.each([
    ['appendonly', 'no', 'yes'],
    ['appendfsync', 'everysec', 'always'],
    ['maxmemory-policy', 'allkeys-lru', 'noeviction'],
  ])('because of %s %s gets no events until that changes', async (name, value, needed) => {
    await admin.config('SET', name, value);
    await vi.waitFor(() => expectHealth(muster, 'not_durable'), 5000);
    expectUnavailable(await post(muster));
    await admin.config('SET', name, needed);
    await vi.waitFor(() => expectHealth(muster, null), 5000);
    const event = newEvent();
    expect((await post(muster, event)).status).toBe(200);
    expect(await storedOnce(muster, [event.unit])).toEqual([event.unit]);
  });

  describe('at startup', () => {
    beforeAll(() => admin.config('SET', 'appendfsync', 'everysec'));
    afterAll(() => admin.config('SET', 'appendfsync', 'always'));

    test('prevents ingest from starting, and the error names the remedy', async () => {
      const refusal = await startMuster({ redisUrl: redis.url, workers: 0 }).catch(
        (error: unknown) => (error as Error).message,
      );
      expect(refusal).toBe(
        'Redis has appendfsync everysec where always is needed to lose nothing. ' +
          'Change it, or set REDIS_DURABILITY=trusted.',
      );
    });

    test('gets events with REDIS_DURABILITY=trusted', async () => {
      await withMuster({ ingestEnv: { REDIS_DURABILITY: 'trusted' } }, async (trusting) => {
        const event = newEvent();
        expect((await post(trusting, event)).status).toBe(200);
        expect(await storedOnce(trusting, [event.unit])).toEqual([event.unit]);
      });
    });
  });

  test('is assumed if its settings cannot be read', async () => {
    const user = ['SETUSER', 'blind', 'on', '>blind', '~*', '&*', '+@all', '-config'];
    await admin.call('ACL', ...user);
    const blind = new URL(redis.url);
    blind.username = 'blind';
    blind.password = 'blind';
    await expect(startMuster({ redisUrl: blind.href, workers: 0 })).rejects.toThrow(
      'Redis does not let its setting appendonly be read, so it cannot be known whether it loses ' +
        'writes. Allow CONFIG GET, or set REDIS_DURABILITY=trusted.',
    );
  });
});

test('ingest that starts before Redis responds immediately, and accepts events once Redis is up', async () => {
  await redis.kill();
  await withMuster({ ingestEnv: WITHOUT_HOLDING }, async (early) => {
    const event = newEvent();
    expectUnavailable(await post(early, event));
    await expectHealth(early, 'unreachable');
    await redis.restart();
    await vi.waitFor(async () => expect((await post(early, event)).status).toBe(200), 20_000);
    expect(await storedOnce(early, [event.unit])).toEqual([event.unit]);
    await vi.waitFor(() => expectHealth(early, null), 10_000);
  });
});

test('with a long Redis timeout, events sent while Redis is slow are accepted', async () => {
  await withMuster({ ingestEnv: { REDIS_TIMEOUT_MS: '20000' } }, async (patient) => {
    redis.pause();
    // Longer than the default timeout and two checks of Redis.
    await sleep(3000);
    const event = newEvent();
    const answer = post(patient, event);
    await sleep(100);
    redis.resume();
    expect((await answer).status).toBe(200);
    expect(await storedOnce(patient, [event.unit])).toEqual([event.unit]);
  });
});

test('requests beyond the limit of waiting events are refused, and the waiting ones succeed', async () => {
  await withMuster({}, async ({ queuePrefix: prefix, drained, analyst }) => {
    // Bypasses HTTPS, so that all requests arrive at once on any machine.
    const writer = new EnvelopeWriter(connectTo(redis.url, prefix, 60_000), {
      ...{ memoryShare: 0.8, verifiesDurability: true },
      ...{ timeoutMs: 60_000, holdMs: 0, maxHeld: 1 },
    });
    expect(await writer.settle(10_000)).toBeNull();
    const envelope = { product: 'dcos', receivedAt: Date.now(), empty: true } as const;
    const requests = Array.from({ length: 24 }, () =>
      writer.accept(Array<typeof envelope>(2500).fill(envelope), 0),
    );
    const answers = await Promise.allSettled(requests);
    const refused = answers.map((it) => it.status === 'rejected' && (it.reason as unknown));
    // One request is being written and 20 wait: 50,000 events.
    const overloaded = expect.objectContaining({ reason: 'overloaded' });
    expect(refused).toEqual([...Array<false>(21).fill(false), ...Array(3).fill(overloaded)]);
    await writer.close();
    await drained();
    const balance = 'SELECT sum(accepted)::int AS accepted FROM fleet.ingest_balance';
    expect(await analyst(balance)).toEqual([{ accepted: 21 * 2500 }]);
  });
}, 60_000);

interface Event {
  /** Unique, identifies the event. */
  unit: string;
  body: object;
}

function newEvent(paddingBytes = 0): Event {
  const unit = randomLetters();
  const properties = {
    clusterId: randomUUID(),
    [`health-unit-${unit}-total`]: 1,
    [`health-unit-${unit}-unhealthy`]: 0,
    // Random, because compressible text would not fill the queue.
    padding: randomBytes(paddingBytes).toString('base64'),
  };
  return { unit, body: { event: 'health', messageId: unit, properties } };
}

function post(to: Pick<HttpsClient, 'post'>, { body }: Event = newEvent()): Promise<Answer> {
  return to.post('/v1/track', body, { headers: KEY });
}

/** Clients that send new events one after another and never resend. */
class Clients {
  readonly attempts: { unit: string; status: number; answer: Answer; ms: number }[] = [];
  #isOver = false;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #sending: Promise<void>[];

  constructor(to: Muster, { paddingBytes = 0 } = {}) {
    const client = new HttpsClient(to.ingestUrl, to.ca, this.#agent);
    this.#sending = Array.from({ length: 6 }, async () => {
      while (!this.#isOver) {
        const event = newEvent(paddingBytes);
        const since = performance.now();
        const answer = await post(client, event);
        const ms = performance.now() - since;
        this.attempts.push({ unit: event.unit, status: answer.status, answer, ms });
        await sleep(20);
      }
    });
  }

  /** Waits for this many more responses with this status. */
  async untilAnswered(status: number, count: number): Promise<void> {
    const isOne = (attempt: { status: number }) => attempt.status === status;
    const wanted = this.attempts.filter(isOne).length + count;
    await vi.waitFor(
      () => expect(this.attempts.filter(isOne).length).toBeGreaterThanOrEqual(wanted),
      20_000,
    );
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#sending);
    this.#agent.destroy();
  }
}

/** Each acknowledged event is stored once, and each refusal came in time. */
async function expectAcknowledgedStoredOnce({ attempts }: Clients) {
  const taken = attempts.filter(({ status }) => status === 200).map(({ unit }) => unit);
  const refused = attempts.filter(({ status }) => status !== 200);
  for (const { answer } of refused) expectUnavailable(answer);
  expect(Math.max(...refused.map(({ ms }) => ms))).toBeLessThan(ANSWER_LIMIT_MS);
  expect(await storedOnce(muster, taken)).toEqual(taken.sort());
}

/** Returns those of the events that are stored exactly once, sorted. */
async function storedOnce(in_: Muster, units: string[]): Promise<string[]> {
  await in_.drained();
  const rows = await in_.analyst(
    `SELECT unit FROM fleet.health_readings WHERE unit = ANY ($1)
      GROUP BY unit HAVING count(*) = 1 ORDER BY unit COLLATE "C"`,
    [units],
  );
  return rows.map(({ unit }) => unit);
}

function expectUnavailable({ status, headers, json }: Answer) {
  const message = expect.stringMatching(/^Ingestion is temporarily unavailable/);
  expect({ status, json }).toEqual({
    status: 503,
    json: { success: false, code: 'unavailable', message, detail: message },
  });
  expect(Number(headers['retry-after'])).toBeGreaterThan(0);
}

/** Expects ingest to be live, and to be ready unless there is a reason. */
async function expectHealth(of: Muster, reason: string | null) {
  const live = await of.get('/health/live');
  expect({ status: live.status, json: live.json }).toEqual({ status: 200, json: { status: 'ok' } });
  const since = performance.now();
  const { status, json } = await of.get('/health/ready');
  expect(performance.now() - since).toBeLessThan(ANSWER_LIMIT_MS);
  expect({ status, json }).toMatchObject(
    reason === null
      ? { status: 200, json: { status: 'ok', dependencies: { redis: 'ok' } } }
      : { status: 503, json: { status: 'unavailable', reason, dependencies: { redis: reason } } },
  );
}

async function withMuster(options: MusterOptions, use: (muster: Muster) => Promise<void>) {
  const another = await startMuster({ redisUrl: redis.url, ...options });
  try {
    await use(another);
  } finally {
    await another.stop();
  }
}
