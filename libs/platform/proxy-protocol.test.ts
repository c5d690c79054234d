import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectSecurely } from 'node:tls';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { AddressList } from './address-list.js';
import { makeCertificate } from './certificate.js';
import { acceptProxyProtocol, parseProxyHeader } from './proxy-protocol.js';
import { loadTls } from './tls.js';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const REST = Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n');

const addressV4 = fc.ipV4();
const addressV6 = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.map((group) => group.toString(16)).join(':'));

const v1 = fc.oneof(
  addressV4.map((address) => [`PROXY TCP4 ${address} 10.0.0.1 1024 443\r\n`, address] as const),
  addressV6.map((address) => [`PROXY TCP6 ${address} ::1 1024 443\r\n`, address] as const),
);
const v2 = fc.oneof(
  addressV4.map(
    (address) => [headerV2('11', hexV4(address) + '0a000001' + '040001bb'), address] as const,
  ),
  addressV6.map(
    (address) => [headerV2('21', hexV6(address) + '0'.repeat(32) + '040001bb'), address] as const,
  ),
);
const headers = fc.oneof(
  v1.map(([text, address]) => [Buffer.from(text), address] as const),
  v2.map(([hex, address]) => [Buffer.from(hex, 'hex'), address] as const),
);

let server: Server | undefined;
afterEach(() => server?.close());

test('a header of either version yields the client address and its own length', () => {
  fc.assert(
    fc.property(headers, ([header, address]) => {
      const parsed = parseProxyHeader(Buffer.concat([header, REST]));
      expect(parsed).toEqual({ state: 'complete', length: header.length, address });
    }),
  );
});

test('a partial header is incomplete', () => {
  fc.assert(
    fc.property(headers, fc.nat(), ([header], cut) => {
      const part = header.subarray(0, cut % header.length);
      expect(parseProxyHeader(part)).toEqual({ state: 'incomplete' });
    }),
  );
});

test.each([
  ['nothing of the kind', REST],
  ['a client hello of TLS', Buffer.from('160301020001', 'hex')],
  ['no address', Buffer.from('PROXY TCP4 example 10.0.0.1 1 2\r\n')],
  ['an address of the other family', Buffer.from('PROXY TCP4 ::1 ::1 1 2\r\n')],
  ['a first line without an end', Buffer.from(`PROXY TCP4 ${'1'.repeat(200)}`)],
  ['version 3', Buffer.from(`${SIGNATURE}3111000c${'00'.repeat(12)}`, 'hex')],
  ['an address that is cut short', Buffer.from(`${SIGNATURE}21110004${'00'.repeat(4)}`, 'hex')],
  ['an endless header', Buffer.from(`${SIGNATURE}2111ffff`, 'hex')],
])('%s is invalid', (_, bytes) => {
  expect(parseProxyHeader(bytes)).toEqual({ state: 'invalid' });
});

test.each([
  ['version 1', Buffer.from('PROXY UNKNOWN\r\n')],
  ['version 2', Buffer.from(`${SIGNATURE}20000000`, 'hex')],
])('a health check of the balancer has no client address (%s)', (_, header) => {
  expect(parseProxyHeader(Buffer.concat([header, REST]))).toEqual({
    ...{ state: 'complete', length: header.length, address: null },
  });
});

test('the header of a trusted proxy sets the client address, even if it arrives in pieces', async () => {
  const port = await serve('127.0.0.1');
  const header = Buffer.from('PROXY TCP4 192.0.2.7 10.0.0.1 1024 443\r\n');
  expect(await over(port, [Buffer.concat([header, REST])])).toContain('192.0.2.7');
  expect(await over(port, [header.subarray(0, 9), header.subarray(9), REST])).toContain(
    '192.0.2.7',
  );
});

test('a header before the TLS handshake sets the client address', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'muster-proxied-'));
  const pair = await loadTls(await makeCertificate(dir));
  await rm(dir, { recursive: true });
  const port = await serve('127.0.0.1', (handler) => createSecureServer(pair, handler));
  const socket = connect(port, '127.0.0.1');
  socket.write('PROXY TCP4 192.0.2.7 10.0.0.1 1024 443\r\n');
  const secure = connectSecurely({ socket, ca: pair.cert, servername: 'localhost' });
  secure.write(REST);
  expect(await text(secure)).toContain('192.0.2.7');
});

test('a connection of a trusted proxy without the header is closed', async () => {
  const port = await serve('127.0.0.1');
  expect(await over(port, [REST])).toBe('');
});

test('an untrusted address cannot set the client address, and is served under its own', async () => {
  const port = await serve('10.0.0.0/8');
  expect(await over(port, [REST])).toContain('127.0.0.1');
  const header = Buffer.from('PROXY TCP4 192.0.2.7 10.0.0.1 1024 443\r\n');
  expect(await over(port, [Buffer.concat([header, REST])])).toContain('400 Bad Request');
});

/** Starts a server that responds with the address of its client. */
async function serve(
  trusted: string,
  create: (handler: RequestListener) => Server = createServer,
): Promise<number> {
  const list = AddressList.parse([trusted]);
  if (!(list instanceof AddressList)) throw new Error('not an address');
  server = create((incoming, response) => {
    response.setHeader('connection', 'close').end(incoming.socket.remoteAddress);
  });
  acceptProxyProtocol(server, list);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Sends pieces one after the other. @returns the response */
async function over(port: number, pieces: Buffer[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  for (const piece of pieces) {
    await new Promise((resolve) => socket.write(piece, resolve));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function headerV2(family: string, addresses: string): string {
  const length = (addresses.length / 2).toString(16).padStart(4, '0');
  return `${SIGNATURE}21${family}${length}${addresses}`;
}

const hexV4 = (address: string) => Buffer.from(address.split('.').map(Number)).toString('hex');
const hexV6 = (address: string) =>
  address
    .split(':')
    .map((group) => group.padStart(4, '0'))
    .join('');
