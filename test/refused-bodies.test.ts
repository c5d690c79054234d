import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { startMuster, type Muster } from './support/muster.js';

const MIB = 1_048_576;

let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  muster = await startMuster({ workers: 0 });
  admin = await startAdmin(muster);
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

test.each([
  ['a body that is too large', 'wk_dcos', 4 * MIB, 413],
  ['a body with an unknown key', 'wk_nobody', MIB, 401],
])(
  'a client that sends all of %s before reading gets the error response',
  async (_, key, bytes, status) => {
    const { sent, said } = await sendBeforeReading(key, bytes);
    expect({ sent, said: said.split('\r\n', 1)[0] }).toEqual({
      sent: bytes,
      said: expect.stringContaining(`HTTP/1.1 ${status} `) as unknown,
    });
  },
);

test('a request to the admin API with a list that is too long gets the error response', async () => {
  const { sent, said } = await sendBeforeReading(admin.token, 4 * MIB, {
    port: admin.app.ready.port!,
    path: '/v1/erasures',
  });
  expect(sent).toBe(4 * MIB);
  expect(said).toMatch(/^HTTP\/1.1 400 .*The request body exceeds the size limit/s);
});

test('a connection with an endless body is closed', async () => {
  const { sent } = await sendBeforeReading('wk_dcos', 64 * MIB);
  expect(sent).toBeGreaterThan(8 * MIB);
  expect(sent).toBeLessThan(64 * MIB);
});

/** @returns how many bytes of the body were sent before the connection broke, and the answer */
async function sendBeforeReading(
  key: string,
  bytes: number,
  { port, path } = { port: Number(new URL(muster.ingestUrl).port), path: '/v1/events' },
) {
  const socket = connect({ host: 'localhost', port, ca: muster.ca });
  let [isOpen, said] = [true, ''];
  socket.on('error', () => (isOpen = false)).on('close', () => (isOpen = false));
  await once(socket, 'secureConnect');
  const head = [`POST ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close'];
  const more = [
    ...[`Authorization: Bearer ${key}`, 'Content-Type: text/csv'],
    ...[`Content-Length: ${bytes}`, '', ''],
  ];
  socket.write([...head, ...more].join('\r\n'));
  const piece = Buffer.alloc(MIB / 4, ' ');
  let sent = 0;
  for (; sent < bytes && isOpen; sent += piece.length) {
    await new Promise((resolve) => socket.write(piece, resolve));
    // Ingest can react to each piece before the next is sent.
    await sleep(5);
  }
  if (sent === bytes && isOpen) socket.on('data', (chunk: Buffer) => (said += chunk.toString()));
  if (isOpen) await once(socket, 'close');
  return { sent, said };
}
