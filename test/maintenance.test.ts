import { Queue } from 'bullmq';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { startMuster, type Muster } from './support/muster.js';

const WORKERS = 3;
const LONG = { timeout: 20_000 };
const JOBS = [
  'compaction',
  'orphans',
  'partitions',
  'quarantine-retention',
  'retention',
  'rollups',
];

let muster: Muster;
let admin: Admin;
let queue: Queue;

beforeAll(async () => {
  muster = await startMuster({ workers: WORKERS, workerEnv: { WORKER_HEALTH_PORT: '0' } });
  admin = await startAdmin(muster);
  const { queuePrefix: prefix, redisUrl: url } = muster;
  queue = new Queue('housekeeping', { prefix, connection: { url } });
});

afterAll(async () => {
  await queue.close();
  await admin.stop();
  await muster.stop();
});

interface Job {
  job: string;
  every: string;
  lastRun: { outcome: string; durationMs: number; detail: object; startedAt: string } | null;
  lastSuccessAt: string | null;
  failures: number;
}

async function jobs(): Promise<Record<string, Job>> {
  const { status, json } = await admin.ask('GET', '/v1/housekeeping');
  expect(status).toBe(200);
  const list = (json as { jobs: Job[] }).jobs;
  return Object.fromEntries(list.map((job) => [job.job, job]));
}

const runsOf = async (job: string) =>
  (
    await muster.owner('SELECT count(*)::int AS count FROM housekeeping_run WHERE job = $1', [job])
  )[0]!.count as number;

/** Sum over all workers. */
async function metric(name: string): Promise<number> {
  const texts = await Promise.all(muster.workers.map(({ ready }) => metricsOf(ready.healthPort!)));
  const found = texts.map((text) => text.split('\n').find((line) => line.startsWith(`${name} `)));
  return found.reduce((sum, line) => sum + Number(line?.split(' ').at(-1) ?? 0), 0);
}

const metricsOf = async (port: number) =>
  (await fetch(`http://localhost:${port}/metrics`, { signal: AbortSignal.timeout(5000) })).text();

test('each maintenance job runs on one worker at a time, on one schedule for all workers', async () => {
  await expect
    .poll(async () => Object.values(await jobs()).map(({ lastRun }) => lastRun?.outcome), LONG)
    .toEqual(JOBS.map(() => 'done'));
  expect(await queue.getJobSchedulersCount()).toBe(JOBS.length);
  expect([await runsOf('partitions'), await runsOf('orphans')]).toEqual([1, 1]);
  // Retention depends on settings, so it also runs once after workers start.
  await expect.poll(() => runsOf('retention'), LONG).toBeGreaterThan(1);
});

test('administrators see the interval of each job, and the outcome and result of its last run', async () => {
  const { partitions, retention, orphans, compaction } = await jobs();
  expect(partitions).toMatchObject({ every: 'PT3600S', failures: 0 });
  expect(partitions?.lastRun).toMatchObject({ outcome: 'done', detail: { created: [] } });
  expect(retention).toMatchObject({ every: 'PT86400S', failures: 0 });
  expect(retention?.lastRun?.detail).toEqual({ dropped: [], rewritten: [], removed: {} });
  expect(orphans?.lastRun?.detail).toEqual({ removed: {} });
  expect(compaction?.lastRun?.detail).toEqual({ rebuilt: [], savedBytes: 0 });
  expect(Date.parse(orphans?.lastSuccessAt ?? '')).toBeGreaterThan(Date.now() - 600_000);
});

test('metrics report runs, durations, failures and the last success', async () => {
  expect(await metric('muster_housekeeping_runs_total{job="orphans",outcome="done"}')).toBe(1);
  expect(await metric('muster_housekeeping_runs_total{job="orphans",outcome="failed"}')).toBe(0);
  expect(await metric('muster_housekeeping_duration_seconds_count{job="orphans"}')).toBe(1);
  const name = 'muster_housekeeping_last_success_timestamp_seconds{job="orphans"}';
  const { orphans } = await jobs();
  const expected = Date.parse(orphans?.lastSuccessAt ?? '') / 1000;
  expect(await metric(name)).toBeCloseTo(WORKERS * expected, 0);
});

test('a failed job is reported and runs again when it is due', async () => {
  await muster.owner('ALTER TABLE origin RENAME TO origin_away');
  await queue.add('orphans', null, { removeOnFail: true });
  await expect.poll(async () => (await jobs()).orphans?.lastRun?.outcome).toBe('failed');
  const { orphans } = await jobs();
  expect(orphans).toMatchObject({ failures: 1, lastRun: { detail: { code: '42P01' } } });
  expect(orphans?.lastSuccessAt).not.toBeNull();
  expect(await metric('muster_housekeeping_runs_total{job="orphans",outcome="failed"}')).toBe(1);
  const logs = muster.workers.map(({ log }) => log).join('');
  expect(logs).toContain('maintenance job failed; it runs again at its next scheduled time');
  await muster.owner('ALTER TABLE origin_away RENAME TO origin');
  await queue.add('orphans', null, { removeOnComplete: true });
  await expect.poll(async () => (await jobs()).orphans).toMatchObject({ failures: 0 });
});

test('a worker does not touch a job of a newer version', async () => {
  await queue.add('unheard-of', null);
  await expect.poll(() => queue.getCompletedCount()).toBe(1);
  expect(Object.keys(await jobs()).sort()).toEqual(JOBS);
});

test('a stopping worker aborts its job immediately, and that does not count as a failure', async () => {
  const before = await runsOf('retention');
  const holder = new pg.Client({ connectionString: muster.databaseUrl });
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE product_policy');
  await queue.add('retention', null, { removeOnComplete: true, removeOnFail: true });
  await expect
    .poll(() =>
      muster.owner(`SELECT FROM pg_stat_activity WHERE application_name = 'muster-worker'
                                 AND datname = current_database() AND wait_event_type = 'Lock'`),
    )
    .toHaveLength(1);
  await Promise.all(muster.workers.map((worker) => worker.stop()));
  await holder.end();
  expect(await runsOf('retention')).toBe(before);
  expect((await jobs()).retention).toMatchObject({ failures: 0 });
});
