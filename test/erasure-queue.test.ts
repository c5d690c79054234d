import { randomUUID } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { QueueRewriter } from '#queue';
import { startMuster, type Muster } from './support/muster.js';
import { connectTo } from './support/redis.js';

let muster: Muster;

beforeAll(async () => {
  muster = await startMuster({ workers: 0 });
});

afterAll(() => muster.stop());

/** The raw data of all waiting jobs. */
async function waiting(): Promise<string[]> {
  const jobs = await muster.queue.getJobs(['waiting', 'delayed']);
  return jobs.map(({ data }) =>
    inflateRawSync(Buffer.from(data.envelopes as string, 'base64')).toString(),
  );
}

test('an erasure removes only its installation’s events from waiting jobs', async () => {
  const [gone, kept] = [randomUUID(), randomUUID()];
  const of = (installationId: string) => ({
    ...{ installationId, product: 'dcos', event: 'health' },
    properties: { 'health-unit-a-total': 1, 'health-unit-a-unhealthy': 0 },
  });
  const post = (events: object) =>
    muster.post('/v1/events', events, { headers: { authorization: 'Bearer wk_dcos' } });
  await post([of(gone), of(kept)]);
  await post(of(gone));
  await post(of(kept));
  const forgetter = new QueueRewriter(connectTo(muster.redisUrl, muster.queuePrefix));
  await forgetter.forgetInstallations([gone]);
  const jobs = await waiting();
  expect(jobs).toHaveLength(3);
  expect(jobs.join()).not.toContain(gone);
  expect(jobs.join().split(kept)).toHaveLength(3);

  await muster.addWorker();
  await muster.drained();
  const [balance] = await muster.analyst(
    `SELECT accepted, stored, suppressed, unaccounted FROM fleet.ingest_balance`,
  );
  expect(balance).toEqual({ accepted: '4', stored: '2', suppressed: '2', unaccounted: '0' });
});
