import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Muster, startSpawnedMuster } from './support/muster.js';

let muster: Muster;

beforeAll(async () => {
  muster = await startSpawnedMuster({ workers: 0 });
});

beforeEach(() => muster.queue.drain());

afterAll(() => muster.stop());

const send = () =>
  muster.post(
    '/v1/events',
    { installationId: randomUUID(), product: 'dcos', event: 'health', properties: {} },
    { headers: { authorization: `Bearer ${muster.writeKeys.dcos}` } },
  );

async function waitingJobs() {
  const jobs = await muster.queue.getJobs(['waiting']);
  return jobs.map<number>(({ data }) =>
    data.accepted.reduce((sum: number, { count }: { count: number }) => sum + count, 0),
  );
}

test('a request on an idle server is written immediately as its own job', async () => {
  for (let request = 0; request < 3; request += 1) expect((await send()).status).toBe(202);
  expect(await waitingJobs()).toEqual([1, 1, 1]);
});

test('requests that arrive during a write share a job', async () => {
  const answers = await Promise.all(Array.from({ length: 300 }, send));
  expect(answers.filter(({ status }) => status !== 202).map(({ text }) => text)).toEqual([]);
  const jobs = await waitingJobs();
  expect(jobs.reduce((sum, events) => sum + events)).toBe(300);
  expect(jobs.length).toBeLessThan(200);
});

test('all events of one request share a job', async () => {
  const event = { product: 'dcos', event: 'health', properties: {} };
  const events = Array.from({ length: 2000 }, () => ({ ...event, installationId: randomUUID() }));
  const headers = { authorization: `Bearer ${muster.writeKeys.dcos}` };
  const answer = await muster.post('/v1/events', events, { headers });
  expect(answer.status).toBe(202);
  expect(await waitingJobs()).toEqual([2000]);
});
