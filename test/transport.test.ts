import { once } from 'node:events';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startMuster, type Muster } from './support/muster.js';

let muster: Muster;

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true, workers: 0 });
});

afterAll(() => muster.stop());

describe('malformed HTTP/1.1 is refused with the reason', () => {
  const body = 'Content-Length: 2\r\n\r\n{}';
  test.each([
    ['HTTP/0.9', 'GET /health/live\r\n\r\n', 505, 'Use HTTP/1.1.'],
    [
      'HTTP/2.0 in the request line',
      'GET /health/live HTTP/2.0\r\nHost: x\r\n\r\n',
      505,
      'Use HTTP/1.1.',
    ],
    ['no Host', 'GET /health/live HTTP/1.1\r\n\r\n', 400, 'exactly one Host'],
    [
      'two Hosts',
      'GET /health/live HTTP/1.1\r\nHost: x\r\nhost: y\r\n\r\n',
      400,
      'exactly one Host',
    ],
    [
      'an unknown expectation',
      `POST /v1/events HTTP/1.1\r\nHost: x\r\nExpect: x\r\n${body}`,
      417,
      'Expect',
    ],
    [
      'an unknown transfer encoding',
      'POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
      ...([501, 'Transfer-Encoding'] as const),
    ],
    ['no HTTP at all', 'HELLO\r\n\r\n', 400, 'Malformed'],
  ])('%s', async (_, request, status, message) => {
    const { head, json } = await exchange(request);
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(json).toEqual({
      ...{ success: false, code: 'bad_request' },
      message: expect.stringContaining(message),
      detail: expect.stringContaining(message),
    });
  });

  test('but HTTP/1.0 without Host is served', async () => {
    expect((await exchange('GET /health/live HTTP/1.0\r\n\r\n')).head).toMatch(/^HTTP\/1.1 200 /);
  });
});

test.each([
  ['GET', '/v1/events', 'POST'],
  ['PUT', '/v1/batch', 'POST'],
  ['DELETE', '/batch', 'POST'],
  ['POST', '/health/ready', 'GET, HEAD'],
])('%s %s gets 405 with the allowed methods', async (method, path, allowed) => {
  const { head, json } = await exchange(
    `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
  );
  expect(head).toMatch(/^HTTP\/1.1 405 /);
  expect(head).toContain(`allow: ${allowed}\r\n`);
  expect(json).toMatchObject({
    code: 'method_not_allowed',
    message: `This address takes ${allowed}.`,
  });
});

test('a client that waits for 100 Continue gets a refusal before it sends its body', async () => {
  const request = (key: string) =>
    `POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nExpect: 100-continue\r\n` +
    `Content-Length: 2\r\nConnection: close\r\n\r\n`;
  expect((await exchange(request('wrong'), 'HTTP/1.1 401')).head).toMatch(/^HTTP\/1.1 401 /);
  expect((await exchange(request('wk_dcos'), '100 Continue')).head).toMatch(/^HTTP\/1.1 100 /);
});

test.each([
  ['ticket-4711', 'ticket-4711'],
  [undefined, expect.stringMatching(/^[0-9a-f-]{36}$/)],
  ['not one: "x"', expect.stringMatching(/^[0-9a-f-]{36}$/)],
  ['x'.repeat(129), expect.stringMatching(/^[0-9a-f-]{36}$/)],
])('the request id %j is returned as %s', async (given, expected) => {
  const headers: Record<string, string> = given === undefined ? {} : { 'x-request-id': given };
  for (const path of ['/health/live', '/nowhere']) {
    expect((await muster.get(path, { headers })).headers['x-request-id']).toEqual(expected);
  }
});

test.each([
  ['a URL that cannot be decoded', 'GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
  ['no HTTP at all', 'HELLO\r\n\r\n'],
])('the response to %s has a request id too', async (_, request) => {
  const { head, json } = await exchange(request);
  expect(head).toMatch(/^x-request-id: [0-9a-f-]{36}\r$/im);
  expect(json).toMatchObject({ code: 'bad_request' });
});

test('TLS 1.2 is accepted with authenticated encryption only', async () => {
  const tls12 = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
  const good = await open({ ...tls12, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' });
  expect(good.getCipher().standardName).toContain('GCM');
  good.destroy();
  const cbc = [
    'ECDHE-ECDSA-AES128-SHA',
    'ECDHE-ECDSA-AES256-SHA384',
    'AES128-SHA',
    'AES256-SHA256',
  ];
  for (const ciphers of cbc) {
    await expect(open({ ...tls12, ciphers: `${ciphers}:@SECLEVEL=0` }), ciphers).rejects.toThrow(
      /handshake failure/,
    );
  }
});

test('the readiness probe reports how long the certificate is valid', async () => {
  const { json } = await muster.get('/health/ready');
  expect(json.certificate).toMatchObject({ state: 'valid', daysLeft: expect.any(Number) });
  expect(json.certificate.daysLeft).toBeGreaterThan(800);
});

async function open(options: ConnectionOptions = {}): Promise<TLSSocket> {
  const { port } = new URL(muster.ingestUrl);
  const socket = connect({ host: 'localhost', port: Number(port), ca: muster.ca, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

/** Sends bytes and reads until the connection ends or a given text arrives. */
async function exchange(request: string, until?: string) {
  const socket = await open();
  socket.write(request);
  let text = '';
  for await (const chunk of socket) {
    text += String(chunk);
    if (until !== undefined && text.includes(until) && text.includes('\r\n\r\n')) break;
  }
  socket.destroy();
  const [head = '', body = ''] = text.split('\r\n\r\n');
  const json: unknown = body.startsWith('{') ? JSON.parse(body) : undefined;
  return { head: `${head}\r\n`, json };
}
