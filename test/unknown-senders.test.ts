import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SpawnedApp } from './support/app.js';
import { startMuster, startSpawnedMuster, type Muster } from './support/muster.js';

/** 15 KB that decompress to 5 MB, which parse to 2.5 million lists. */
const LISTS = gzipSync(`[${`${'['.repeat(19)}${']'.repeat(19)},`.repeat(131_072)}0]`);
const GZIP = { 'content-encoding': 'gzip' };
const KEY = { authorization: 'Bearer wk_resoto' };

let muster: Muster<SpawnedApp>;
let strict: Muster;

beforeAll(async () => {
  const ingestEnv = { UNKNOWN_BYTES_PER_MINUTE: '1000000000' };
  muster = await startSpawnedMuster({ workers: 0, ingestEnv });
  strict = await startMuster({
    workers: 0,
    ingestEnv: { UNKNOWN_BYTES_PER_MINUTE: '2000000', PREVIEW_EVENTS_PER_MINUTE: '12' },
  });
});

afterAll(async () => {
  await strict.stop();
  await muster.stop();
});

const capture = (properties: object = {}) => ({
  ...{ event: 'system.started', distinct_id: randomUUID(), uuid: randomUUID(), properties },
});

/** A body as PostHog's clients send it. Decompressed it is about as large as the lists. */
function honest(key: string): Buffer {
  const events = Array.from({ length: 2500 }, () => capture({ text: 'x'.repeat(1900) }));
  return gzipSync(JSON.stringify({ batch: events, api_key: key }));
}

describe('a few kilobytes that decode to millions of values', () => {
  test.each(['/batch', '/capture', '/e', '/i/v0/e', '/track', '/v1/preview'])(
    'are refused by %s for the missing key',
    async (path) => {
      const { status, json } = await muster.post(path, LISTS, { headers: GZIP });
      expect({ status, code: json.code }).toEqual({ status: 401, code: 'unauthorized' });
    },
  );

  test.each(['/batch', '/v1/events', '/v1/batch', '/v1/reports', '/v1/preview'])(
    'are refused by %s for their number even with a key',
    async (path) => {
      const { status, json } = await muster.post(path, LISTS, { headers: { ...GZIP, ...KEY } });
      expect({ status, code: json.code }).toEqual({ status: 413, code: 'too_many_values' });
    },
  );

  test.runIf(process.platform === 'linux')(
    'cost less CPU than a valid body of that size, with or without a key',
    async () => {
      const body = honest('wk_resoto');
      const cpuOf = async (status: number, bytes: Buffer, headers: Record<string, string>) => {
        const before = cpuMs(muster.ingest.pid);
        for (let round = 0; round < 5; round += 1) {
          expect((await muster.post('/batch', bytes, { headers })).status).toBe(status);
        }
        return cpuMs(muster.ingest.pid) - before;
      };
      const taken = await cpuOf(200, body, GZIP);
      expect(await cpuOf(401, LISTS, GZIP)).toBeLessThan(taken);
      expect(await cpuOf(413, LISTS, { ...GZIP, ...KEY })).toBeLessThan(taken);
    },
  );
});

test('the key of a body is checked before the body is parsed', async () => {
  for (const path of ['/batch', '/v1/batch', '/v1/preview']) {
    const answer = await muster.post(path, '{"api_key":"wk_wrong","writeKey":"wk_wrong",');
    expect(answer.status).toBe(401);
  }
  const known = await muster.post('/batch', '{"api_key":"wk_resoto",');
  expect({ status: known.status, code: known.json.code }).toEqual({
    ...{ status: 400, code: 'invalid_json' },
  });
});

test('a valid key in the wrong place of a body is ignored', async () => {
  const body = { batch: [{ ...capture(), properties: { deep: { api_key: 'wk_resoto' } } }] };
  expect((await muster.post('/batch', body)).status).toBe(401);
});

test.each(['/flags', '/decide'])(
  'the body of a request to %s is not decompressed',
  async (path) => {
    const { status, json } = await muster.post(path, Buffer.from('\x1f\x8bno gzip'));
    expect({ status, flags: json.featureFlags }).toEqual({ status: 200, flags: {} });
  },
);

test('an address over the limit without a valid key may send only small bodies, unless the key is in the header', async () => {
  const send = (body: Buffer, headers = {}) =>
    strict.post('/batch', body, { headers: { ...GZIP, ...headers } });

  expect(
    (await send(gzipSync(JSON.stringify([capture({ text: 'x'.repeat(1_950_000) })])))).status,
  ).toBe(401);
  const large = await send(honest('wk_resoto'));
  expect({ status: large.status, code: large.json.code }).toEqual({
    ...{ status: 429, code: 'rate_limited' },
  });
  expect(Number(large.headers['retry-after'])).toBeGreaterThan(0);
  const plain = JSON.stringify({ ...capture({ text: 'x'.repeat(100_000) }), api_key: 'wk_resoto' });
  expect((await strict.post('/capture', plain)).status).toBe(429);

  const small = gzipSync(JSON.stringify({ api_key: 'wk_resoto', batch: [capture()] }));
  expect((await send(small)).status).toBe(200);
  expect((await send(honest('none'), KEY)).status).toBe(200);
});

test('previews are limited by the number of events per key', async () => {
  const preview = (key: string) =>
    strict.post(
      '/v1/preview?dialect=posthog',
      Array.from({ length: 5 }, () => capture()),
      {
        headers: { authorization: `Bearer ${key}` },
      },
    );
  expect((await preview('wk_resoto')).status).toBe(200);
  expect((await preview('wk_resoto')).status).toBe(200);
  const { status, headers, json } = await preview('wk_resoto');
  expect({ status, code: json.code }).toEqual({ status: 429, code: 'rate_limited' });
  expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  expect((await preview('wk_dcos')).status).toBe(200);
});

/** The CPU time of a process in milliseconds. Linux counts in hundredths of a second. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}
