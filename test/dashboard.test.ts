import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { openPage } from './support/browser.js';
import { randomLetters } from './support/letters.js';
import { startMuster, type Muster } from './support/muster.js';

/**
 * One of each kind of path below /queues: the page, a client-side route, an API call, and files.
 */
const PLACES = [
  '/queues',
  '/queues/',
  '/queues/queue/envelopes',
  '/queues/api/queues?activeQueue=envelopes&status=latest&page=1&jobsPerPage=10',
  '/queues/static/favicon.ico',
];

/** Part of a job. It must never be shown. */
const SECRET = randomLetters();

let muster: Muster;
let admin: Admin;
let reader: string;
let jobId: string;

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true, workers: 0 });
  admin = await startAdmin(muster);
  reader = await admin.tokenFor('looker', ['operations:read']);
  const job = await muster.queue.add('batch', { envelopes: SECRET, batchId: SECRET });
  jobId = job.id!;
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

const basic = (password: string) => `Basic ${Buffer.from(`me:${password}`).toString('base64')}`;
const get = (path: string, authorization: string) =>
  admin.ask('GET', path, undefined, { authorization });

describe.each(PLACES)('%s', (path) => {
  test('requires the scope operations:read, with a bearer token or basic authentication', async () => {
    const stranger = await admin.tokenFor('stranger', ['keys:write', 'erasures:write']);
    expect((await get(path, `Bearer ${reader}`)).status).toBe(200);
    expect((await get(path, basic(reader))).status).toBe(200);
    expect((await get(path, `Bearer ${stranger}`)).status).toBe(403);
    expect((await get(path, basic(stranger))).status).toBe(403);
  });

  test('asks a browser for a password', async () => {
    const { status, headers, json } = await get(path, '');
    expect({ status, asks: headers['www-authenticate'], code: json.code }).toEqual({
      status: 401,
      asks: 'Basic realm="muster", charset="UTF-8"',
      code: 'unauthorized',
    });
  });
});

test('basic authentication works for the dashboard only', async () => {
  expect((await get('/v1/queue', basic(reader))).status).toBe(401);
});

test('a request without a password, as browsers send first, does not count as a guess', async () => {
  for (let tries = 0; tries < 20; tries += 1) expect((await get('/queues', '')).status).toBe(401);
  expect((await get('/queues', basic(reader))).status).toBe(200);
});

test('password guesses are limited like token guesses, and the right password still passes', async () => {
  await forgetGuesses();
  for (let tries = 0; tries < 10; tries += 1) {
    expect((await get('/queues', basic(`wrong-${tries}`))).status).toBe(401);
  }
  expect((await get('/queues', basic('wrong-10'))).status).toBe(429);
  expect((await get('/queues', basic(reader))).status).toBe(200);
  await forgetGuesses();
});

test('the dashboard lists a job without its content', async () => {
  const answers = await Promise.all(
    [
      PLACES[3]!,
      `/queues/api/queues/envelopes/${jobId}`,
      `/queues/api/queues/envelopes/${jobId}/flow`,
      `/queues/api/queues/envelopes/${jobId}/logs`,
    ].map((path) => get(path, `Bearer ${reader}`)),
  );
  expect(answers[0]!.json.queues[0]).toMatchObject({
    name: 'envelopes',
    counts: { waiting: 1 },
    readOnlyMode: true,
    jobs: [{ id: jobId, data: 'hidden: may contain telemetry' }],
  });
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(answers.map(({ text }) => text).join()).not.toContain(SECRET);
});

test.each([
  ['PUT', 'api/queues/pause'],
  ['PUT', 'api/queues/envelopes/empty'],
  ['PUT', 'api/queues/envelopes/obliterate'],
  ['PUT', 'api/queues/envelopes/clean/waiting'],
  ['PUT', 'api/queues/envelopes/JOB/clean'],
  ['PATCH', 'api/queues/envelopes/JOB/update-data'],
  ['POST', 'api/queues/envelopes/add'],
])('the dashboard is read-only: %s %s is refused', async (method, path) => {
  const { status } = await admin.ask(method, `/queues/${path.replace('JOB', jobId)}`, {});
  expect(status).toBe(403);
  expect(await muster.queue.isPaused()).toBe(false);
  expect((await muster.queue.getJob(jobId))?.data).toEqual({ envelopes: SECRET, batchId: SECRET });
});

test.each([
  ['queues?activeQueue=%25', 400, 'invalid_request'],
  ['queues?activeQueue=envelopes&page=1&jobsPerPage=1e300', 400, 'invalid_request'],
  ['queues?activeQueue=envelopes&page=9999999&jobsPerPage=10', 400, 'invalid_request'],
  ['queues?activeQueue=envelopes&status=nothing', 400, 'bad_request'],
  ['job-schedulers?queueName=%25', 400, 'invalid_request'],
  ['queues/nothing/metrics', 404, 'not_found'],
  ['queues/envelopes/no-such-job', 404, 'not_found'],
  ['queues/envelopes/wait', 404, 'not_found'],
])(
  'the dashboard answers GET /queues/api/%s with an error of the API',
  async (path, status, code) => {
    const answer = await get(`/queues/api/${path}`, `Bearer ${reader}`);
    expect({ status: answer.status, json: answer.json }).toMatchObject({
      ...{ status, json: { success: false, code, message: expect.stringMatching(/\S/) } },
    });
  },
);

test('the dashboard page references no other host, and its content security policy allows none', async () => {
  const { text, headers } = await get('/queues', `Bearer ${reader}`);
  expect(text).toContain('static/js/');
  expect(text).not.toMatch(/(src|href)="(https?:)?\/\//);
  expect(headers['content-security-policy']).toMatch(/^default-src 'self';/);
});

test('the dashboard renders in a browser without requests to other hosts', async () => {
  const { port } = admin.app.ready;
  const page = await openPage(`https://localhost:${port}/queues/queue/envelopes`, {
    username: 'me',
    password: reader,
  });
  try {
    expect(await page.textOnce(jobId)).not.toContain(SECRET);
    expect(page.hosts).toEqual([`localhost:${port}`]);
    expect(page.errors).toEqual([]);
  } finally {
    await page.close();
  }
});

/** Restarts the admin API, because guesses are counted in memory. */
async function forgetGuesses() {
  await admin.app.stop();
  await admin.app.start();
}
