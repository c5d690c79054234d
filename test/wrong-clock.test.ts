import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { StoreClock } from '#queue';
import { startAdmin } from './support/admin.js';
import { SpawnedApp, type App, type AppName } from './support/app.js';
import { HttpsClient } from './support/https.js';
import { startMuster, SUPPRESSION_KEY, type Muster } from './support/muster.js';
import { connectTo, startRedis } from './support/redis.js';
import { atScale } from './support/scale.js';
import { wrongClock } from './support/wrong-clock.js';

const MINUTE_MS = 60_000;
const TWO_HOURS_MS = 120 * MINUTE_MS;
const OFFSETS = (
  [
    ['two hours ahead', '+2h', TWO_HOURS_MS],
    ['two hours behind', '-2h', -TWO_HOURS_MS],
  ] as const
).slice(0, atScale(1, 2));
const MONTHS = `SELECT relname FROM pg_class WHERE relname ~ '^report_\\d' ORDER BY 1`;
const IS_OFF = "this machine's clock is off";
const LONG = { timeout: 20_000 };
/** Long enough to stop the worker before a job with this delay is due. */
const SECONDS_MS = 3000;
const WORKER = { WORKER_HEALTH_PORT: '0' };

let muster: Muster;
let maintenance: Queue;
let redis: Redis;

beforeAll(async () => {
  muster = await startMuster({ workers: 0 });
  const { queuePrefix: prefix, redisUrl: url } = muster;
  redis = new Redis(url);
  maintenance = new Queue('housekeeping', { prefix, connection: { url } });
});

afterEach(async () => {
  vi.useRealTimers();
  await muster.owner('ALTER TABLE IF EXISTS report_away RENAME TO report');
});

afterAll(async () => {
  await maintenance.close();
  redis.disconnect();
  await muster.stop();
});

/** An app in its own process, with its own clock. */
async function spawnApp(name: Exclude<AppName, 'admin'>, env: Record<string, string>) {
  const app = new SpawnedApp(name, { ...muster.environments[name], ...env });
  onTestFinished(async () => {
    await app.stop();
  });
  return app.start();
}

async function send(post = muster.post): Promise<string> {
  const installationId = randomUUID();
  const properties = { 'health-unit-a-total': 3, 'health-unit-a-unhealthy': 1 };
  const body = { installationId, product: 'dcos', event: 'health', properties };
  const headers = { authorization: `Bearer ${muster.writeKeys.dcos}` };
  expect((await post('/v1/events', body, { headers })).status).toBe(202);
  return installationId;
}

const ageInSeconds = (installationId: string) =>
  muster.owner(
    `SELECT abs(date_part('epoch', received_at - clock_timestamp())) < 60 AS is_present
       FROM report WHERE installation_id = $1`,
    [installationId],
  );

async function reportOf(app: App, path: string) {
  const response = await fetch(`http://127.0.0.1:${app.ready.healthPort}${path}`);
  return response.text();
}

function expectOffset(body: { clock?: unknown; clockOffsetMs?: unknown }, offsetMs: number) {
  expect(body.clock).toBe('off');
  expect(Math.abs(Number(body.clockOffsetMs) - offsetMs)).toBeLessThan(MINUTE_MS);
}

test.each(OFFSETS)(
  'an ingest whose clock is %s dates events correctly, and reports the offset',
  async (_, offset, offsetMs) => {
    const app = await spawnApp('ingest', wrongClock(offset));
    const client = new HttpsClient(`https://localhost:${app.ready.port}`, muster.ca);
    const installationId = await send(client.post);
    const worker = await muster.addWorker();
    await muster.drained();
    expect(await ageInSeconds(installationId)).toEqual([{ is_present: true }]);
    const [receipt] = await muster.owner(
      `SELECT max(abs(date_part('epoch', gathered_at - clock_timestamp()))) < 60 AS is_present FROM batch_receipt`,
    );
    expect(receipt).toEqual({ is_present: true });
    const health = await client.get('/health/ready');
    expectOffset(health.json, offsetMs);
    expect(app.log.split(IS_OFF)).toHaveLength(2);
    await worker.stop();
  },
  60_000,
);

/** The remaining delays of the delayed jobs, in milliseconds. */
async function delaysOf(queue: Queue): Promise<number[]> {
  const scores = await redis.zrange(queue.toKey('delayed'), '0', '-1', 'WITHSCORES');
  // The lower bits hold BullMQ's order of jobs within one millisecond.
  return scores.filter((_, at) => at % 2 === 1).map((score) => Number(score) / 4096 - Date.now());
}

/** Waits until the job has failed often enough to be delayed by seconds, but not by hours. */
async function untilDelayed(): Promise<void> {
  const isDelayed = (delay: number) => delay > SECONDS_MS && delay < MINUTE_MS;
  await expect
    .poll(async () => (await delaysOf(muster.queue)).filter(isDelayed), LONG)
    .toHaveLength(1);
}

test.each(OFFSETS)(
  'a worker whose clock is %s delays a failed job by seconds, and another worker stores it',
  async (_, offset, offsetMs) => {
    await muster.owner('ALTER TABLE report RENAME TO report_away');
    const installationId = await send();
    const wrong = await spawnApp('worker', { ...WORKER, ...wrongClock(offset) });
    await untilDelayed();
    await expect.poll(() => maintenance.getDelayedCount(), LONG).toBeGreaterThan(0);
    for (const delay of await delaysOf(maintenance)) {
      expect(delay).toBeGreaterThan(-MINUTE_MS);
      expect(delay).toBeLessThan(24 * 60 * MINUTE_MS + MINUTE_MS);
    }
    expectOffset(JSON.parse(await reportOf(wrong, '/health/live')) as object, offsetMs);
    expect(await reportOf(wrong, '/metrics')).toMatch(/^muster_clock_offset_seconds -?7[12]\d\d/m);
    expect(wrong.log.split(IS_OFF)).toHaveLength(2);
    await wrong.kill();
    await muster.owner('ALTER TABLE report_away RENAME TO report');
    const right = await muster.addWorker();
    await muster.drained();
    expect(await ageInSeconds(installationId)).toEqual([{ is_present: true }]);
    await right.stop();
  },
  90_000,
);

test('a worker whose clock is two hours behind processes a job that another worker delayed', async () => {
  await muster.owner('ALTER TABLE report RENAME TO report_away');
  const installationId = await send();
  const right = await muster.addWorker();
  await untilDelayed();
  await right.stop();
  await muster.owner('ALTER TABLE report_away RENAME TO report');
  await spawnApp('worker', wrongClock('-2h'));
  await muster.drained();
  expect(await ageInSeconds(installationId)).toEqual([{ is_present: true }]);
}, 60_000);

test.each(OFFSETS)(
  'an admin process whose clock is %s creates tokens with the requested lifetime',
  async (_, offset, offsetMs) => {
    const admin = await startAdmin(
      { ...muster, newApp: (name, env) => new SpawnedApp(name, env) },
      wrongClock(offset),
    );
    try {
      await send();
      const name = `day-token-${randomUUID().slice(0, 8)}`;
      const made = await admin.ask('POST', '/v1/tokens', { name, days: 1 });
      expect(made.status).toBe(201);
      const [row] = await muster.owner('SELECT expires_at FROM admin_token WHERE name = $1', [
        name,
      ]);
      const lifeMs = (row?.expires_at as Date).getTime() - Date.now();
      expect(Math.abs(lifeMs - 24 * 60 * MINUTE_MS)).toBeLessThan(MINUTE_MS);
      const { oldestJobAgeMs } = (await admin.ask('GET', '/v1/queue')).json as {
        oldestJobAgeMs: number;
      };
      expect(oldestJobAgeMs).toBeLessThan(MINUTE_MS);
      expectOffset((await admin.ask('GET', '/health/ready')).json, offsetMs);
      expect(admin.app.log.split(IS_OFF)).toHaveLength(2);
    } finally {
      await admin.stop();
    }
  },
  60_000,
);

test.each(OFFSETS)(
  'a migration and a new token use the database clock if the local clock is %s',
  async (_, offset) => {
    const env = {
      ...{ PATH: process.env.PATH, DATABASE_URL: muster.databaseUrl, SUPPRESSION_KEY },
      ...wrongClock(offset.replace('2h', '200d')),
    };
    const run = (...args: string[]) => promisify(execFile)(process.execPath, args, { env });
    const before = await muster.owner(MONTHS);
    await run('dist/apps/worker/migrate.js');
    expect(await muster.owner(MONTHS)).toEqual(before);
    const name = `wrong${offset.replace('+', '')}`;
    await run('dist/apps/cli/main.js', 'tokens', 'bootstrap', name, '--days', '1');
    const expiry = `SELECT expires_at - now() AS life FROM admin_token WHERE name = $1 AND expires_at
                    BETWEEN now() + interval '23 hours' AND now() + interval '25 hours'`;
    expect(await muster.owner(expiry, [name])).toHaveLength(1);
  },
  60_000,
);

test('a corrected clock is used immediately and reported once', async () => {
  const own = await startRedis();
  vi.useFakeTimers({ toFake: ['Date'] });
  const real = () => performance.timeOrigin + performance.now();
  vi.setSystemTime(real() + TWO_HOURS_MS);
  const changes: boolean[] = [];
  const clock = new StoreClock(connectTo(own.url, 'test'), ({ isOff }) => changes.push(isOff));
  try {
    await clock.start(5000);
    expect(Math.abs(clock.now() - real())).toBeLessThan(MINUTE_MS);
    expect(changes).toEqual([true]);
    vi.setSystemTime(real());
    expect(Math.abs(clock.now() - real())).toBeLessThan(MINUTE_MS);
    expect(Math.abs(clock.offsetMs)).toBeLessThan(MINUTE_MS);
    await own.kill();
    await own.restart();
    await expect.poll(() => changes, { timeout: 10_000 }).toEqual([true, false]);
  } finally {
    clock.stop();
    await own.stop();
  }
}, 30_000);
