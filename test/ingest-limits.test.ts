import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { HttpsClient } from './support/https.js';
import type { SpawnedApp } from './support/app.js';
import { startSpawnedMuster, type Muster } from './support/muster.js';

type Headers = Record<string, string>;

/**
 * Every request contains this mark, in write keys, ids, and the keys and values of properties, so
 * that the last test can search for it in responses and logs.
 */
const MARK = 'canary';
const KEY = { authorization: `Bearer wk_${MARK}` };
const UNIT = `dcos-${MARK}-service`;

/** Installation ids cannot contain the mark. They have this GUID prefix instead. */
const newId = () => `cafecafe-${randomUUID().slice(9)}`;

const MARKS = /canary|cafecafe/i;

/** Ingest processes with the same queue. The first has the default settings. */
const started: Muster<SpawnedApp>[] = [];
const answers: { status: number; said: string }[] = [];

async function start(settings: Headers): Promise<Muster<SpawnedApp>> {
  const [first] = started;
  const muster = first
    ? await withIngest(first, settings)
    : await startSpawnedMuster({
        writeKeys: { dcos: `wk_${MARK}` },
        ingestEnv: { LOG_LEVEL: 'trace', ...settings },
        workerEnv: { LOG_LEVEL: 'trace' },
      });
  started.push(muster);
  return muster;
}

async function withIngest(muster: Muster<SpawnedApp>, settings: Headers) {
  const { app } = await muster.addIngest(settings);
  return { ...muster, ingest: app, ingestUrl: `https://localhost:${app.ready.port}` };
}

afterAll(() => started[0]?.stop());

function event(installationId: string, properties: object = {}) {
  return {
    id: `${MARK}-${randomUUID()}`,
    installationId,
    product: 'dcos',
    event: 'health',
    properties: {
      [`health-unit-${UNIT}-total`]: 3,
      [`health-unit-${UNIT}-unhealthy`]: 1,
      ...properties,
    },
  };
}

function track({ id, installationId, properties }: ReturnType<typeof event>) {
  return {
    type: 'track',
    event: 'health',
    messageId: id,
    properties: { clusterId: installationId, ...properties },
  };
}

async function send(muster: Muster, path: string, body: string | Buffer, headers: Headers = {}) {
  const client = new HttpsClient(muster.ingestUrl, muster.ca);
  const answer = await client.send('POST', path, { ...KEY, ...headers }, body);
  answers.push({ status: answer.status, said: JSON.stringify(answer.headers) + answer.text });
  return answer;
}

async function storedOf(muster: Muster, installationId: string): Promise<number> {
  await muster.drained();
  const [row] = await muster.analyst(
    'SELECT count(*)::int AS count FROM fleet.health_readings WHERE installation_id = $1',
    [installationId],
  );
  return row!.count;
}

const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

/** The value as JSON, padded with blanks to a given length. */
function padded(value: unknown, length: number): Buffer {
  return Buffer.from(JSON.stringify(value).padEnd(length));
}

/** An event with a given length as JSON. */
function eventOf(installationId: string, bytes: number) {
  const padding = bytes - bytesOf(event(installationId, { [MARK]: '' }));
  return event(installationId, { [MARK]: 'x'.repeat(padding) });
}

/** An event with a given nesting depth, of alternating objects and lists. */
function eventOfDepth(installationId: string, depth: number) {
  let nested: unknown = MARK;
  for (let level = 2; level < depth; level += 1) nested = level % 2 ? { [MARK]: nested } : [nested];
  return event(installationId, { [MARK]: nested, brackets: '[{'.repeat(500) });
}

function refusal(code: string) {
  const message = expect.stringMatching(/^The .*\.$/);
  return { status: 413, json: { success: false, code, message, detail: message } };
}

describe.each([
  {
    name: 'by default',
    settings: {},
    bodyBytes: 2_097_152,
    inflatedBytes: 8_388_608,
    events: 2500,
    eventBytes: 1_048_576,
    depth: 20,
  },
  {
    name: 'by its setting',
    settings: {
      MAX_BODY_BYTES: '9000',
      MAX_INFLATED_BYTES: '20000',
      MAX_EVENTS_PER_REQUEST: '12',
      MAX_EVENT_BYTES: '4000',
      MAX_JSON_DEPTH: '7',
    },
    bodyBytes: 9000,
    inflatedBytes: 20_000,
    events: 12,
    eventBytes: 4000,
    depth: 7,
  },
])('the limit $name', ({ settings, ...limits }) => {
  let muster: Muster<SpawnedApp>;

  beforeAll(async () => {
    muster = await start(settings);
  });

  test.each([
    ['with Content-Length', {}],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
  ])('of a body counts bytes as sent, %s', async (_, headers: Headers) => {
    const id = newId();
    const { bodyBytes } = limits;
    const exact = await send(muster, '/v1/events', padded(event(id), bodyBytes), headers);
    expect(exact.status).toBe(202);
    const above = await send(muster, '/v1/events', padded(event(id), bodyBytes + 1), headers);
    expect(above).toMatchObject(refusal('body_too_large'));
    expect(await storedOf(muster, id)).toBe(1);
  });

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', (body: Buffer) => brotliCompressSync(body, FAST_BROTLI)],
  ])('of a decompressed body counts bytes, in %s', async (encoding, compress) => {
    const id = newId();
    const { inflatedBytes } = limits;
    const headers = { 'content-encoding': encoding };
    const exact = compress(padded(event(id), inflatedBytes));
    expect((await send(muster, '/v1/events', exact, headers)).status).toBe(202);
    const above = compress(padded(event(id), inflatedBytes + 1));
    expect(await send(muster, '/v1/events', above, headers)).toMatchObject(
      refusal('inflated_too_large'),
    );
    expect(await storedOf(muster, id)).toBe(1);
  });

  test('of events in a request applies to a list, to lines and to a batch', async () => {
    const id = newId();
    const many = (count: number) => Array.from({ length: count }, () => event(id));
    // Compressed, because the allowed number of events exceeds the limit of body bytes.
    const encode = (text: string) => gzipSync(text);
    const list = (count: number) => encode(JSON.stringify(many(count)));
    const lines = (count: number) =>
      encode(
        many(count)
          .map((one) => JSON.stringify(one))
          .join('\n'),
      );
    const batch = (count: number) => encode(JSON.stringify({ batch: many(count).map(track) }));
    const ways = [
      ['/v1/events', list, 202, {}],
      ['/v1/events', lines, 202, { 'content-type': 'application/x-ndjson' }],
      ['/v1/batch', batch, 200, {}],
    ] as const;
    for (const [path, bodyOf, taken, type] of ways) {
      const headers = { 'content-encoding': 'gzip', ...type };
      expect((await send(muster, path, bodyOf(limits.events), headers)).status).toBe(taken);
      expect(await send(muster, path, bodyOf(limits.events + 1), headers)).toMatchObject(
        refusal('too_many_events'),
      );
    }
    expect(await storedOf(muster, id)).toBe(3 * limits.events);
  });

  test('of an event counts bytes of JSON, and a larger event does not affect the others', async () => {
    const id = newId();
    const [exact, above] = [limits.eventBytes, limits.eventBytes + 1].map((bytes) =>
      eventOf(id, bytes),
    ) as [object, object];
    const alone = await send(muster, '/v1/events', JSON.stringify(above));
    expect(alone.status).toBe(413);
    expect(alone.json).toMatchObject({
      success: false,
      code: 'event_too_large',
      accepted: 0,
      results: [{ status: 'rejected', code: 'event_too_large', path: '' }],
    });
    const both = await send(muster, '/v1/events', gzipSync(JSON.stringify([above, exact])), {
      'content-encoding': 'gzip',
    });
    expect(both.status).toBe(202);
    expect(both.json.results).toMatchObject([
      { status: 'rejected', code: 'event_too_large', path: '' },
      { status: 'accepted' },
    ]);
    expect(await storedOf(muster, id)).toBe(1);
  });

  test('of an event applies to Segment’s calls, and a larger call is quarantined without properties', async () => {
    const id = newId();
    const call = (bytes: number) => {
      const of = (padding: number) => track(event(id, { [MARK]: 'x'.repeat(padding) }));
      return of(bytes - bytesOf(of(0)));
    };
    const [exact, above] = [call(limits.eventBytes), call(limits.eventBytes + 1)];
    expect((await send(muster, '/v1/track', JSON.stringify(exact))).status).toBe(200);
    expect((await send(muster, '/v1/track', JSON.stringify(above))).status).toBe(200);
    const batch = (...items: object[]) =>
      send(muster, '/v1/batch', gzipSync(JSON.stringify({ batch: items })), {
        'content-encoding': 'gzip',
      });
    expect((await batch(call(limits.eventBytes), call(limits.eventBytes + 1))).status).toBe(200);
    expect(await storedOf(muster, id)).toBe(2);
    const [row] = await muster.analyst(
      `SELECT count(*)::int AS count FROM fleet.quarantined_events
        WHERE installation_id = $1 AND reason = 'event_too_large'`,
      [id],
    );
    expect(row).toEqual({ count: 2 });
  });

  test('of an event applies to the properties of a printed report', async () => {
    const id = newId();
    const report = (bytes: number) => {
      const of = (padding: number) => ({
        clusterId: id,
        ...event(id, { [MARK]: 'x'.repeat(padding) }).properties,
      });
      return JSON.stringify(of(bytes - bytesOf(of(0))));
    };
    expect((await send(muster, '/v1/reports', report(limits.eventBytes))).status).toBe(202);
    const above = await send(muster, '/v1/reports', report(limits.eventBytes + 1));
    expect(above).toMatchObject({ status: 413, json: { code: 'event_too_large' } });
    expect(await storedOf(muster, id)).toBe(1);
  });

  test('of nesting counts levels and ignores brackets in text', async () => {
    const id = newId();
    const exact = JSON.stringify(eventOfDepth(id, limits.depth));
    expect((await send(muster, '/v1/events', exact)).status).toBe(202);
    const above = JSON.stringify(eventOfDepth(id, limits.depth + 1));
    expect(await send(muster, '/v1/events', above)).toMatchObject(refusal('too_deep'));
    expect(await storedOf(muster, id)).toBe(1);
  });
});

describe('hostile input', () => {
  let muster: Muster<SpawnedApp>;

  beforeAll(() => {
    muster = started[0]!;
  });

  const isLinux = process.platform === 'linux';

  test.runIf(isLinux)(
    'a compression bomb of one gigabyte is refused without being decompressed in full',
    async () => {
      const GIB = 2 ** 30;
      const zeros = Buffer.alloc(GIB / 64);
      // A gzip file may consist of several members.
      const gzip = Buffer.concat(Array<Buffer>(64).fill(gzipSync(zeros)));
      const deflate = deflateSync(Buffer.alloc(GIB / 8), { level: 1 });
      const br = brotliCompressSync(Buffer.alloc(GIB / 8), FAST_BROTLI);
      const bombs = Object.entries({ gzip, deflate, br }).filter(
        ([, { length }]) => length <= 1_048_576,
      );
      expect(bombs).toHaveLength(3);
      const before = peakMemoryMb(muster.ingest.pid);
      for (let round = 0; round < 4; round += 1) {
        const refused = await Promise.all(
          bombs.map(([encoding, bomb]) =>
            send(muster, '/v1/batch', bomb, { 'content-encoding': encoding }),
          ),
        );
        for (const answer of refused) expect(answer).toMatchObject(refusal('inflated_too_large'));
      }
      // Each bomb alone would take 128 MB or more.
      expect(peakMemoryMb(muster.ingest.pid) - before).toBeLessThan(120);
    },
  );

  test('a body nested 100,000 levels deep is refused', async () => {
    for (const body of ['['.repeat(100_000), '{"a":'.repeat(100_000)]) {
      const answer = await send(muster, '/v1/batch', body);
      expect(answer).toMatchObject(refusal('too_deep'));
    }
  });

  const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'];

  test.each(NAMES)('a key named %s is an ordinary key everywhere', async (name) => {
    const id = newId();
    // Written as text, because __proto__ in an object literal sets the prototype.
    const bad = `"${name}":{"installationId":"${id}","clusterId":"${id}","product":"dcos"}`;
    const units = `"health-unit-${name}-total":1,"health-unit-${name}-unhealthy":0`;
    const properties = `{${bad},"clusterId":"${id}",${units}}`;
    const native = `{${bad},"installationId":"${id}","product":"dcos","event":"health","properties":${properties}}`;
    const call = `{${bad},"type":"track","event":"health","properties":${properties}}`;
    expect((await send(muster, '/v1/events', native)).status).toBe(202);
    expect((await send(muster, '/v1/track', call)).status).toBe(200);
    expect((await send(muster, '/v1/batch', `{${bad},"batch":[${call}]}`)).status).toBe(200);
    expect((await send(muster, '/v1/reports', properties)).status).toBe(202);
    await muster.drained();
    const rows = await muster.analyst(
      `SELECT unit, count(*)::int AS count FROM fleet.health_readings
        WHERE installation_id = $1 GROUP BY unit`,
      [id],
    );
    expect(rows).toEqual([{ unit: name, count: 4 }]);
  });

  test.each(NAMES)(
    'fields below a key named %s do not fill in missing fields of an event',
    async (name) => {
      const id = newId();
      const gift = JSON.stringify({ installationId: id, clusterId: id, batch: [track(event(id))] });
      const lacking = `{"${name}":${gift},"product":"dcos","event":"health","properties":{}}`;
      const native = await send(muster, '/v1/events', lacking);
      expect(native.json).toMatchObject({ code: 'invalid_guid' });
      const report = await send(muster, '/v1/reports', `{"${name}":${gift}}`);
      expect(report.json).toMatchObject({ code: 'unknown_report' });
      const batch = await send(muster, '/v1/batch', `{"${name}":${gift}}`);
      expect(batch.json).toMatchObject({ code: 'invalid_body' });
      const item = `{"batch":[{"${name}":${gift},"type":"track"}]}`;
      expect((await send(muster, '/v1/batch', item)).status).toBe(200);
      expect(await storedOf(muster, id)).toBe(0);
      // Later events are not affected either.
      const next = newId();
      expect((await send(muster, '/v1/events', '{}')).json).toMatchObject({ code: 'invalid_guid' });
      expect((await send(muster, '/v1/events', JSON.stringify(event(next)))).status).toBe(202);
      expect(await storedOf(muster, next)).toBe(1);
    },
  );

  test.each(NAMES)('an event named %s is an unknown event', async (name) => {
    const id = newId();
    const native = JSON.stringify({ ...event(id), event: name });
    expect((await send(muster, '/v1/events', native)).status).toBe(202);
    await send(muster, '/v1/track', JSON.stringify({ ...track(event(id)), event: name }));
    await muster.drained();
    const rows = await muster.analyst(
      'SELECT event, reason FROM fleet.quarantined_events WHERE installation_id = $1',
      [id],
    );
    // Of a name that is not made of known words, only the length is kept.
    const kept = name === 'constructor' ? name : `[${name.length}]`;
    expect(rows).toEqual([
      { event: kept, reason: 'unknown_event' },
      { event: kept, reason: 'unknown_event' },
    ]);
  });

  test('input that is not HTTP gets a response that does not repeat it', async () => {
    const requests = {
      [`GET /v1/%${MARK} HTTP/1.1\r\nHost: x\r\n\r\n`]: 400,
      [`${MARK}\r\n\r\n`]: 400,
      [`GET /health/live HTTP/1.1\r\nHost: x\r\nX: ${MARK.repeat(5000)}\r\n\r\n`]: 431,
    };
    for (const [request, status] of Object.entries(requests)) {
      const text = await speak(muster, request);
      answers.push({ status, said: text });
      expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(JSON.parse(text.split('\r\n\r\n')[1]!)).toMatchObject({
        success: false,
        code: 'bad_request',
      });
    }
  });

  test('no response or log repeats the input, even if storing fails', async () => {
    const id = newId();
    for (const body of [`{"${MARK}`, `"${MARK}"`, `{"installationId":"${MARK}"}`, '[]']) {
      expect((await send(muster, '/v1/events', body)).status).toBe(400);
    }
    await send(muster, `/v1/${MARK}`, MARK);
    await send(muster, '/v1/batch', '{}', { authorization: `Bearer ${MARK}` });
    await send(muster, '/v1/batch', MARK, { 'content-encoding': MARK });
    await send(muster, '/v1/batch', MARK, { 'content-encoding': 'gzip' });
    // The database refuses a value, which its error detail contains in full…
    await muster.owner(
      'ALTER TABLE unit_set ADD CONSTRAINT no_canary CHECK (units[1] <> $$canary$$)',
    );
    const refused = { [`health-unit-${MARK}-total`]: 1, [`health-unit-${MARK}-unhealthy`]: 0 };
    const { properties: _, ...rest } = event(id);
    await send(muster, '/v1/events', JSON.stringify({ ...rest, properties: refused }));
    await muster.drained();
    const quarantined = await muster.analyst(
      'SELECT reason FROM fleet.quarantined_events WHERE installation_id = $1',
      [id],
    );
    expect(quarantined).toEqual([{ reason: 'refused_by_store' }]);
    // …and then fails for a while, with errors that contain as much.
    await muster.owner(`
      CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE 'out of order' USING DETAIL = NEW::text, ERRCODE = 'XX000'; END $$`);
    await muster.owner(
      'CREATE TRIGGER fail BEFORE INSERT ON report FOR EACH ROW EXECUTE FUNCTION fail()',
    );
    await send(muster, '/v1/events', JSON.stringify(event(id)));
    const worker = muster.workers[0]!;
    await vi.waitFor(() => expect(worker.log).toContain('batch could not be stored'), 5000);
    await muster.owner('DROP TRIGGER fail ON report');
    expect(await storedOf(muster, id)).toBe(1);

    expect(answers.length).toBeGreaterThan(50);
    expect(answers.filter(({ said }) => MARKS.test(said))).toEqual([]);
    for (const { ingest, workers } of started) {
      expect(ingest.log).toContain('ingest listening');
      expect(workers[0]!.log).toContain('worker started');
      const lines = [ingest, ...workers].flatMap(({ log }) => log.split('\n'));
      expect(lines.filter((line) => MARKS.test(line))).toEqual([]);
    }
  });
});

const FAST_BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

/** Peak memory of a process. */
function peakMemoryMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
}

/** Sends a text over TLS and returns everything received until the connection ends. */
async function speak(muster: Muster, text: string): Promise<string> {
  const { port } = new URL(muster.ingestUrl);
  const socket = connect({ host: 'localhost', port: Number(port), ca: muster.ca });
  await once(socket, 'secureConnect');
  let said = '';
  socket.on('data', (chunk: Buffer) => (said += chunk.toString()));
  socket.on('error', () => undefined);
  socket.write(text);
  await vi.waitFor(() => expect(said).toMatch(/\}$/), 5000);
  socket.destroy();
  return said;
}
