import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { securityHeaders } from './support/admin-routes.js';
import { HttpsClient } from './support/https.js';
import { startMuster, type Muster } from './support/muster.js';

/** A request that continues although its connection has ended is complete by then. */
const SETTLED_MS = 500;
const ID = '70b28f00-e38f-41b2-a723-aab344f535b9';

let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true, workers: 0 });
  admin = await startAdmin(muster);
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

test.each([
  ['GET', '/queues/static/favicon.ico'],
  ['GET', '/nothing'],
  ['PUT', '/v1/keys'],
  ['GET', '/v1/keys/%ff'],
  ['GET', `/v1/quarantine/${'x'.repeat(5000)}`],
])('%s %s sends security headers, with and without a token', async (method, path) => {
  for (const authorization of [`Bearer ${admin.token}`, '']) {
    const { headers } = await admin.ask(method, path, undefined, { authorization });
    expect(headers).toMatchObject(securityHeaders);
  }
});

describe('a method that the path does not support', () => {
  test.each([
    ['PUT', '/v1/keys', 'GET, HEAD, POST'],
    ['DELETE', '/v1/erasures', 'GET, HEAD, POST'],
    ['POST', `/v1/keys/${ID}`, 'DELETE'],
    ['GET', `/v1/keys/${ID}/rotate`, 'POST'],
    ['POST', '/health/live', 'GET, HEAD'],
  ])('gets 405 for %s %s, with Allow: %s', async (method, path, allow) => {
    const { status, headers, json } = await admin.ask(method, path);
    expect([status, headers.allow]).toEqual([405, allow]);
    expect(json).toEqual({
      ...{ success: false, code: 'method_not_allowed', message: expect.stringContaining(allow) },
    });
  });

  test('gets 404 if the path does not exist', async () => {
    for (const path of ['/nothing', '/v1', '/v1/keys/a/b/c']) {
      const { status, headers, json } = await admin.ask('PUT', path);
      expect([status, headers.allow, json.code]).toEqual([404, undefined, 'not_found']);
    }
  });
});

describe('a body of a DELETE that its head does not announce, as Node sends it,', () => {
  const dryRun = JSON.stringify({ dryRun: true });
  const deleteWith = (headers: Record<string, string>) =>
    new HttpsClient(`https://localhost:${admin.app.ready.port}`, muster.ca).send(
      'DELETE',
      `/v1/installations/${randomUUID()}`,
      { authorization: `Bearer ${admin.token}`, ...headers },
      dryRun,
    );
  const erasures = async () =>
    ((await admin.ask('GET', '/v1/erasures')).json.erasures as { id: string }[]).map(
      ({ id }) => id,
    );
  let before: string[];
  beforeEach(async () => void (before = await erasures()));
  afterEach(async () => {
    await sleep(SETTLED_MS);
    expect(await erasures()).toEqual(before);
  });

  test('is refused with 411 where it has a type, and the dry run erases nothing', async () => {
    const { status, json } = await deleteWith({ 'content-type': 'application/json' });
    expect([status, json.code]).toEqual([411, 'bad_request']);
  });

  test('is refused with 400 where it has none, and the dry run erases nothing', async () => {
    const { status, json } = await deleteWith({});
    expect([status, json.code]).toEqual([400, 'bad_request']);
  });

  test('is understood once its length is announced', async () => {
    const length = String(dryRun.length);
    const headers = { 'content-type': 'application/json', 'content-length': length };
    expect((await deleteWith(headers)).json).toMatchObject({ dryRun: true });
  });
});

describe('a request id', () => {
  test.each([
    'abc-123',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'a'.repeat(128),
  ])('%s of the caller is returned and logged', async (id) => {
    const headers = { 'x-request-id': id };
    const answer = await admin.ask('POST', '/v1/queue/failed/retry', {}, headers);
    expect(answer.headers['x-request-id']).toBe(id);
    await expect
      .poll(() => logged(id))
      .toMatchObject([
        { msg: 'request completed', method: 'POST', route: '/v1/queue/failed/retry', status: 200 },
      ]);
  });

  test.each(['a b', 'ä', 'a'.repeat(129), '<script>', ''])(
    '%j is replaced by a generated id',
    async (id) => {
      const answer = await admin.ask('GET', '/v1/queue', undefined, { 'x-request-id': id });
      expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    },
  );

  test('is logged with the route pattern, without the installation id', async () => {
    const { headers } = await admin.ask('DELETE', `/v1/installations/${ID}`);
    await expect
      .poll(() => logged(String(headers['x-request-id'])))
      .toMatchObject([{ route: '/v1/installations/:installationId', status: 202, actor: 'root' }]);
    expect(admin.app.log).not.toContain(ID);
  });
});

describe('a request that is not valid HTTP', () => {
  const token = () => `Authorization: Bearer ${admin.token}\r\n`;
  test.each([
    ['without a Host', 400, () => `GET /v1/queue HTTP/1.1\r\n${token()}\r\n`],
    ['with two Hosts', 400, () => `GET /v1/queue HTTP/1.1\r\nHost: a\r\nHost: b\r\n${token()}\r\n`],
    ['with an odd Expect', 417, () => `GET /v1/queue HTTP/1.1\r\nHost: a\r\nExpect: odd\r\n\r\n`],
    ['with an unknown method', 400, () => `FETCH /v1/queue HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['with a broken header', 400, () => `GET /v1/queue HTTP/1.1\r\nHost a\r\n\r\n`],
    [
      'with a header that is too large',
      431,
      () => `GET / HTTP/1.1\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
    ],
  ])('%s gets the standard error body', async (_, status, request) => {
    const answer = await send(request());
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head.toLowerCase()).toContain('cache-control: no-store');
    expect(JSON.parse(body)).toEqual({
      ...{ success: false, code: 'bad_request', message: expect.any(String) },
    });
  });
});

function logged(requestId: string): object[] {
  const lines = admin.app.log.split('\n').filter((line) => line.includes(requestId));
  return lines.map((line) => JSON.parse(line) as object);
}

/**
 * Sends a request byte for byte, and reads until the response is complete or the server closes the
 * connection.
 */
async function send(request: string): Promise<string> {
  const socket = connect({ host: 'localhost', port: admin.app.ready.port, ca: muster.ca });
  await once(socket, 'secureConnect');
  socket.write(request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  return text(socket);
}
