import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAdmin } from './support/admin.js';
import { startMuster, type Muster } from './support/muster.js';
import { untilFollowed } from './support/policy.js';
import { type PrivateRedis, startRedis } from './support/redis.js';

let redis: PrivateRedis;
let muster: Muster;

beforeAll(async () => {
  redis = await startRedis();
  muster = await startMuster({ redisUrl: redis.url, ingestEnv: { REDIS_HOLD_MS: '0' } });
});

afterAll(async () => {
  await muster.stop();
  await redis.stop();
});

const UNIT = { 'health-unit-a-service-total': 1, 'health-unit-a-service-unhealthy': 0 };

const send = (event: string, properties: object, installationId = randomUUID() as string) =>
  muster
    .post(
      '/v1/events',
      { installationId, product: 'dcos', event, properties },
      { headers: { authorization: `Bearer ${muster.writeKeys.dcos}` } },
    )
    .then(({ status }) => ({ status, installationId }));

const storedOf = (installationId: string) =>
  muster.analyst('SELECT kind FROM fleet.reports WHERE installation_id = $1', [installationId]);

test('ingest accepts events again after Redis hung and then died', async () => {
  redis.pause();
  await expect.poll(() => send('health', UNIT).then(({ status }) => status)).toBe(503);
  await redis.kill();
  await redis.restart();
  await expect
    .poll(() => send('health', UNIT).then(({ status }) => status), { timeout: 10_000 })
    .toBe(202);
});

test('a product with a limit gets 503 while Redis hangs, and its limit applies afterwards', async () => {
  const admin = await startAdmin(muster);
  const limits = { eventsPerMinutePerInstallation: 2 };
  await admin.ask('PATCH', '/v1/products/dcos', { limits });
  await untilFollowed(muster, [muster.ingest, ...muster.workers]);
  const [before, after] = [randomUUID(), randomUUID()];
  const statusOf = (id: string) => send('health', UNIT, id).then(({ status }) => status);
  redis.pause();
  await expect.poll(() => statusOf(before)).toBe(503);
  await redis.kill();
  await redis.restart();
  await expect.poll(() => statusOf(randomUUID()), { timeout: 10_000 }).toBe(202);
  expect([await statusOf(after), await statusOf(after), await statusOf(after)]).toEqual([
    202, 202, 429,
  ]);
  await admin.ask('PATCH', '/v1/products/dcos', { limits: null });
  await untilFollowed(muster, [muster.ingest, ...muster.workers]);
  await admin.stop();
});

test('an event with a thousand invalid readings is stored with a bounded number of defects', async () => {
  const packages = [{ name: 'kafka' }, ...Array.from({ length: 1000 }, () => 1)];
  const { status, installationId } = await send('package_list', { package_list: packages });
  expect(status).toBe(202);
  await expect.poll(() => storedOf(installationId)).toHaveLength(1);
  const defects = await muster.analyst(
    'SELECT reason, left_out FROM fleet.defects WHERE installation_id = $1',
    [installationId],
  );
  expect(defects).toHaveLength(101);
  expect(defects).toContainEqual({ reason: 'too_many_defects', left_out: 900 });
});

test('an event with a long key whose truncation splits an emoji is stored', async () => {
  const key = `health-unit-${'x'.repeat(287)}😀-total`;
  const { installationId } = await send('health', { ...UNIT, [key]: 1 });
  await expect.poll(() => storedOf(installationId)).toHaveLength(1);
});

test('an unknown event with a long emoji name is kept for replay', async () => {
  const installationId = randomUUID();
  await muster.post(
    '/v1/track',
    { event: `${'x'.repeat(127)}😀`, properties: { clusterId: installationId } },
    { headers: { authorization: `Bearer ${muster.writeKeys.dcos}` } },
  );
  await expect
    .poll(() =>
      muster.owner('SELECT reason FROM quarantined_event WHERE installation_id = $1', [
        installationId,
      ]),
    )
    .toEqual([{ reason: 'unknown_event' }]);
});
