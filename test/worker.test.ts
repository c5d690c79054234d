import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Muster, startMuster } from './support/muster.js';

let muster: Muster;

beforeAll(async () => {
  muster = await startMuster({ workers: 0 });
});

afterAll(() => muster.stop());

const send = (installationId: string, properties: object) =>
  muster.post(
    '/v1/events',
    { installationId, product: 'dcos', event: 'health', properties },
    { headers: { authorization: `Bearer ${muster.writeKeys.dcos}` } },
  );

test('a worker creates the partitions of the coming months', async () => {
  const partitions = () =>
    muster.owner(
      `SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
        WHERE inhparent = 'report'::regclass ORDER BY 1`,
    );
  const prepared = await partitions();
  expect(prepared).toHaveLength(3);
  await muster.owner(`DROP TABLE ${prepared[2]!.relname}`);
  const worker = await muster.addWorker();
  expect(await partitions()).toEqual(prepared);
  await worker.stop();
});

test('a stopping worker finishes its active jobs and loses none', async () => {
  const installations = Array.from({ length: 50 }, () => randomUUID());
  const unit = { 'health-unit-a-service-total': 1, 'health-unit-a-service-unhealthy': 0 };
  for (const id of installations) expect((await send(id, unit)).status).toBe(202);
  const first = await muster.addWorker({ WORKER_CONCURRENCY: '1' });
  await first.stop();
  await muster.addWorker();
  await muster.drained();
  const stored = await muster.analyst(
    'SELECT installation_id FROM fleet.health_readings ORDER BY 1',
  );
  expect(stored.map(({ installation_id }) => installation_id)).toEqual(installations.sort());
});

test('a stopping worker stores an active job before it exits', async () => {
  const worker = muster.workers.at(-1)!;
  const id = randomUUID();
  const holder = new pg.Client({ connectionString: muster.databaseUrl });
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE report');
  await send(id, { 'health-unit-a-service-total': 4, 'health-unit-a-service-unhealthy': 0 });
  await expect.poll(() => muster.queue.getActiveCount()).toBe(1);
  const stopped = worker.stop();
  await sleep(300);
  await holder.query('COMMIT');
  await holder.end();
  await stopped;
  expect(await muster.queue.getActiveCount()).toBe(0);
  expect(
    await muster.analyst('SELECT total FROM fleet.health_readings WHERE installation_id = $1', [
      id,
    ]),
  ).toEqual([{ total: 4 }]);
  await muster.addWorker();
});

test('jobs wait while a table is missing, and are stored when it is back', async () => {
  const id = randomUUID();
  await muster.owner('ALTER TABLE report RENAME TO report_away');
  await send(id, { 'health-unit-a-service-total': 7, 'health-unit-a-service-unhealthy': 7 });
  const rows = () =>
    muster.analyst('SELECT total FROM fleet.health_readings WHERE installation_id = $1', [id]);
  await expect.poll(() => muster.queue.getDelayedCount()).toBe(1);
  await muster.owner('ALTER TABLE report_away RENAME TO report');
  await muster.drained();
  expect(await rows()).toEqual([{ total: 7 }]);
});

test('an unreadable job is kept as failed and does not block others', async () => {
  await muster.queue.add('batch', { format: 1, envelopes: 'bm8gZGVmbGF0ZQ==' });
  await expect.poll(() => muster.queue.getFailedCount()).toBe(1);
  const id = randomUUID();
  await send(id, { 'health-unit-a-service-total': 1, 'health-unit-a-service-unhealthy': 0 });
  await expect
    .poll(() => muster.analyst('SELECT FROM fleet.current_health WHERE installation_id = $1', [id]))
    .toHaveLength(1);
});

test('a worker without a usable database fails with one sentence', async () => {
  const url = new URL(muster.databaseUrl);
  url.pathname = '/nothing_here';
  const refusal = await muster.addWorker({ DATABASE_URL: url.href }).then(
    () => 'it started',
    (error: unknown) => (error as Error).message,
  );
  expect(refusal).toBe('The database in DATABASE_URL cannot be reached or used.');
});
