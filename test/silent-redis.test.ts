import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { startMuster, type Muster } from './support/muster.js';
import { startRedis, type PrivateRedis } from './support/redis.js';
import { startSilentProxy } from './support/silent-proxy.js';

/** A worker's connection blocks for at most 10 seconds, and is dropped after 12. */
const RECOVERY = { timeout: 25_000, interval: 200 };

let redis: PrivateRedis;
let proxy: Awaited<ReturnType<typeof startSilentProxy>>;
let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  redis = await startRedis();
  proxy = await startSilentProxy(redis.url);
  const env = { REDIS_URL: proxy.url };
  muster = await startMuster({
    ...{ redisUrl: redis.url, workers: 1, workerEnv: env, ingestEnv: env },
  });
  admin = await startAdmin(muster, env);
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
  await proxy.stop();
  await redis.stop();
});

async function send(): Promise<{ status: number; installationId: string }> {
  const installationId = randomUUID();
  const properties = { 'health-unit-a-total': 3, 'health-unit-a-unhealthy': 1 };
  const body = { installationId, product: 'dcos', event: 'health', properties };
  const headers = { authorization: `Bearer ${muster.writeKeys.dcos}` };
  const { status } = await muster.post('/v1/events', body, { headers });
  return { status, installationId };
}

const stored = (installationId: string) =>
  muster.owner('SELECT FROM report WHERE installation_id = $1', [installationId]);

test('ingest, worker and admin recover from hanging connections to Redis', async () => {
  const before = await send();
  await expect.poll(() => stored(before.installationId), RECOVERY).toHaveLength(1);
  const since = performance.now();
  proxy.silence();
  let accepted = await send();
  await expect
    .poll(async () => {
      if (accepted.status !== 202) accepted = await send();
      return accepted.status;
    }, RECOVERY)
    .toBe(202);
  await expect.poll(async () => (await admin.ask('GET', '/v1/queue')).status, RECOVERY).toBe(200);
  await expect.poll(() => stored(accepted.installationId), RECOVERY).toHaveLength(1);
  const erasure = await admin.ask('POST', '/v1/erasures', {
    installationIds: [accepted.installationId],
  });
  const { id } = erasure.json.erasure as { id: string };
  await expect
    .poll(async () => {
      const { json } = await admin.ask('GET', `/v1/erasures/${id}`);
      return (json.erasure as { state: string }).state;
    }, RECOVERY)
    .toBe('complete');
  expect(performance.now() - since).toBeLessThan(60_000);
}, 120_000);
