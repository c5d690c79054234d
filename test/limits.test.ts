import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { balanceOf } from './support/balance.js';
import type { Answer, HttpsClient } from './support/https.js';
import { startMuster, type Muster } from './support/muster.js';
import { untilFollowed } from './support/policy.js';

let muster: Muster;
let admin: Admin;
let second: Pick<HttpsClient, 'post'>;

/** Events per minute, for each installation of dcos and octopus, and for each key of resoto. */
const LIMIT = 5;

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true });
  admin = await startAdmin(muster);
  const other = await muster.addIngest();
  second = other.client;
  const perInstallation = { limits: { eventsPerMinutePerInstallation: LIMIT } };
  await admin.ask('PATCH', '/v1/products/dcos', perInstallation);
  await admin.ask('PATCH', '/v1/products/octopus', perInstallation);
  await admin.ask('PATCH', '/v1/products/resoto', { limits: { eventsPerMinutePerKey: LIMIT } });
  await untilFollowed(muster, [muster.ingest, other.app, ...muster.workers]);
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

const properties = { 'health-unit-a-total': 1, 'health-unit-a-unhealthy': 0 };

const native = (installationId: string) => ({
  ...{ installationId, product: 'dcos', event: 'health', properties },
});

const post = (path: string, body: object, key = 'wk_dcos', replica = muster as typeof second) =>
  replica.post(path, body, { headers: { authorization: `Bearer ${key}` } });

/** An installation that has used up its limit. */
async function usedUp(): Promise<string> {
  const id = randomUUID();
  expect((await post('/v1/events', Array(LIMIT).fill(native(id)))).status).toBe(202);
  return id;
}

function expectRefusal({ status, headers, json }: Answer) {
  expect({ status, success: json.success, code: json.code }).toEqual({
    ...{ status: 429, success: false, code: 'rate_limited' },
  });
  expect(json.detail).toBe(json.message);
  const seconds = Number(headers['retry-after']);
  expect(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60).toBe(true);
}

test('replicas enforce an installation’s limit together, exactly', async () => {
  const id = randomUUID();
  const answers = await Promise.all(
    Array.from({ length: 2 * LIMIT }, (_, at) =>
      post('/v1/events', native(id), 'wk_dcos', at % 2 === 0 ? muster : second),
    ),
  );
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(LIMIT);
  answers.filter(({ status }) => status !== 202).forEach(expectRefusal);
  expect((await post('/v1/events', native(randomUUID()))).status).toBe(202);
});

test('a batch larger than the limit is accepted if the limit is not used up', async () => {
  const id = randomUUID();
  const batch = Array(3 * LIMIT).fill(native(id));
  expect((await post('/v1/events', batch)).json).toMatchObject({ accepted: 3 * LIMIT });
  expectRefusal(await post('/v1/events', native(id)));
});

test('Muster’s own dialect rejects only the events of installations over their limit', async () => {
  const [over, fresh] = [await usedUp(), randomUUID()];
  const { status, headers, json } = await post('/v1/events', [native(over), native(fresh)]);
  expect({ status, ...json }).toEqual({
    ...{ status: 202, success: true, accepted: 1, rejected: 1 },
    results: [
      { status: 'rejected', code: 'rate_limited', path: '', message: expect.any(String) },
      { status: 'accepted' },
    ],
  });
  expect(Number(headers['retry-after'])).toBeGreaterThan(0);
});

const track = (clusterId: string) => ({
  ...{ type: 'track', event: 'health', anonymousId: clusterId, messageId: randomUUID() },
  properties: { ...properties, clusterId },
});

test('Segment’s dialect refuses the whole request, which then does not count toward any limit', async () => {
  const [over, fresh] = [await usedUp(), randomUUID()];
  expectRefusal(await post('/v1/track', track(over)));
  for (let tries = 0; tries < LIMIT; tries += 1) {
    expectRefusal(await post('/v1/batch', { batch: [track(fresh), track(over)] }));
  }
  for (let sent = 0; sent < LIMIT; sent += 1) {
    expect((await post('/v1/track', track(fresh))).status).toBe(200);
  }
  expectRefusal(await post('/v1/track', track(fresh)));
});

test('Octopus’ dialect refuses a request over the limit', async () => {
  const id = randomUUID();
  const send = (day: number) =>
    post(`/api/telemetry/${id}/2026-11-0${day}`, { environments: day }, 'wk_octopus');
  for (let day = 1; day <= LIMIT; day += 1) expect((await send(day)).status).toBe(202);
  expectRefusal(await send(LIMIT + 1));
});

describe('PostHog’s dialect', () => {
  const capture = (distinct_id: string) => ({
    ...{ event: 'health', distinct_id, uuid: randomUUID(), properties },
  });

  test('refuses the whole request', async () => {
    const over = await usedUp();
    expectRefusal(await post('/batch', { batch: [capture(over), capture(randomUUID())] }));
  });

  test('reports in mode v1 which events to retry, and when', async () => {
    const over = capture(await usedUp());
    const fresh = capture(randomUUID());
    const path = '/i/v1/analytics/events';
    const { status, headers, json } = await post(path, { batch: [over, fresh] });
    expect({ status, results: json.results }).toEqual({
      status: 200,
      results: {
        [over.uuid]: { result: 'retry', details: 'rate_limited' },
        [fresh.uuid]: { result: 'ok' },
      },
    });
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expectRefusal(await post(path, { batch: [over] }));
  });
});

test('the limit of a key applies to all its installations together', async () => {
  const events = () =>
    Array.from({ length: LIMIT }, () => ({ ...native(randomUUID()), product: 'resoto' }));
  expect((await post('/v1/events', events(), 'wk_resoto')).status).toBe(202);
  expectRefusal(await post('/v1/events', events(), 'wk_resoto'));
  const one = { event: 'x', distinct_id: randomUUID(), properties: {} };
  expectRefusal(await post('/capture', one, 'wk_resoto'));
});

test('a preview does not count toward the limit', async () => {
  const over = await usedUp();
  const { status, json } = await post('/v1/preview', native(over));
  expect({ status, fate: json.events[0].fate }).toEqual({ status: 200, fate: 'stored' });
});

test('refused events are not in the balance, and counters in Redis expire and contain no installation id', async () => {
  await muster.drained();
  const before = await balanceOf(muster.analyst);
  const id = await usedUp();
  expectRefusal(await post('/v1/events', native(id)));
  await muster.drained();
  const after = await balanceOf(muster.analyst);
  expect(after.accepted - before.accepted).toBe(LIMIT);

  const redis = new Redis(muster.redisUrl);
  const counters = await redis.keys(`${muster.queuePrefix}:limit:*`);
  const lives = await Promise.all(counters.map((counter) => redis.pttl(counter)));
  redis.disconnect();
  expect(counters.join()).not.toContain(id);
  expect(lives.length).toBeGreaterThan(0);
  expect(lives.every((ms) => ms !== -1 && ms <= 60_000)).toBe(true);
});
