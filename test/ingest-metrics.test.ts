import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startMuster, type Muster } from './support/muster.js';
import { startRedis, type PrivateRedis } from './support/redis.js';

const WITHIN = { timeout: 10_000, interval: 100 };

let redis: PrivateRedis;
let muster: Muster;

beforeAll(async () => {
  redis = await startRedis();
  muster = await startMuster({
    redisUrl: redis.url,
    ingestEnv: { INGEST_METRICS_PORT: '0', MAX_EVENT_BYTES: '2048' },
  });
});

afterAll(async () => {
  await muster.stop();
  await redis.stop();
});

test('ingest counts acknowledged events by product, and refusals by code, route and dialect', async () => {
  const large = event({ properties: { padding: 'x'.repeat(3000) } });
  expect((await post([event(), event(), large])).status).toBe(202);
  expect((await post([large])).status).toBe(413);
  expect((await post([event()], `wk_${randomUUID()}`)).status).toBe(401);
  expect((await muster.get(`/nowhere/${randomUUID()}`)).status).toBe(404);
  const samples = await metrics();
  expect(samples).toMatchObject({
    'muster_acknowledged_events_total{product="dcos"}': 4,
    [refused('events', 'dcos', 'event_too_large', '/v1/events', 'native')]: 2,
    [refused('requests', 'dcos', 'event_too_large', '/v1/events', 'native')]: 1,
    [refused('requests', '', 'unauthorized', '/v1/events', 'native')]: 1,
    [refused('requests', '', 'not_found', 'none', 'none')]: 1,
    muster_queue_open: 1,
    muster_policy_known: 1,
  });
  expect(Math.abs(samples.muster_clock_offset_seconds!)).toBeLessThan(1);
  expect(samples.muster_certificate_not_before_timestamp_seconds).toBeLessThan(Date.now() / 1000);
  expect(samples.muster_certificate_not_after_timestamp_seconds).toBeGreaterThan(Date.now() / 1000);
});

test('metrics name the reason why no events are taken', async () => {
  await redis.kill();
  await vi.waitFor(async () => {
    expect(await metrics()).toMatchObject({
      muster_queue_open: 0,
      'muster_queue_closed{reason="unreachable"}': 1,
    });
  }, WITHIN);
  await redis.restart();
  await vi.waitFor(async () => {
    const samples = await metrics();
    expect(samples.muster_queue_open).toBe(1);
    expect(Object.keys(samples)).not.toContainEqual(expect.stringMatching(/^muster_queue_closed/));
  }, WITHIN);
});

test('metrics have a port of their own, and no label holds what clients send', async () => {
  const { status } = await muster.get('/metrics');
  expect(status).toBe(404);
  const key = `wk_${randomUUID()}`;
  await post([event()], key, { 'user-agent': 'curl/7.7.7' });
  await muster.get(`/somewhere?writeKey=${key}`);
  const { text } = await ask('/metrics');
  for (const sent of [key, 'curl', '7.7.7', 'somewhere', 'unknown-', '127.0.0.1']) {
    expect(text).not.toContain(sent);
  }
  expect((await ask('/health/ready')).status).toBe(404);
});

const event = (extra = {}) => {
  const id = randomUUID();
  return { installationId: id, product: 'dcos', event: 'health', properties: {}, ...extra };
};

async function post(events: object[], key = 'wk_dcos', headers = {}) {
  return muster.post('/v1/events', events, {
    headers: { authorization: `Bearer ${key}`, ...headers },
  });
}

function refused(unit: string, product: string, code: string, route: string, dialect: string) {
  const labels = `product="${product}",code="${code}",route="${route}",dialect="${dialect}"`;
  return `muster_refused_${unit}_total{${labels}}`;
}

async function ask(path: string) {
  const answer = await fetch(`http://localhost:${muster.ingest.ready.metricsPort}${path}`);
  return { status: answer.status, text: await answer.text() };
}

/** Values by name and labels. */
async function metrics(): Promise<Record<string, number>> {
  const { text } = await ask('/metrics');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}
