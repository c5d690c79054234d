import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { makeCertificate } from '#platform';
import { startMuster, type Muster } from './support/muster.js';

let dir: string;
let muster: Muster;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'muster-certificate-'));
  for (const name of ['live', 'renewed']) await makeCertificate(join(dir, name));
  muster = await startMuster({
    workers: 0,
    ingestEnv: {
      TLS_CERT_FILE: join(dir, 'live/cert.pem'),
      TLS_KEY_FILE: join(dir, 'live/key.pem'),
    },
  });
});

afterAll(async () => {
  await muster.stop();
  await rm(dir, { recursive: true });
});

test('a renewed certificate is served to new clients, and open connections stay', async () => {
  const [old, renewed] = await Promise.all(
    ['live', 'renewed'].map((name) => readFile(join(dir, name, 'cert.pem'), 'utf8')),
  );
  const connected = await open(old!);
  expect(shownTo(connected)).toBe(serialOf(old!));
  for (const file of ['cert.pem', 'key.pem']) {
    await copyFile(join(dir, 'renewed', file), join(dir, 'live', file));
  }
  await vi.waitFor(
    async () => {
      const socket = await open(renewed!);
      expect(shownTo(socket)).toBe(serialOf(renewed!));
      expect(await askOver(socket)).toMatch(/^HTTP\/1.1 200 /);
      socket.destroy();
    },
    { timeout: 15_000, interval: 200 },
  );
  await expect(open(old!)).rejects.toThrow('certificate');
  expect(await askOver(connected)).toMatch(/^HTTP\/1.1 200 /);
  connected.destroy();
});

/** Connects, and trusts only this certificate. */
async function open(ca: string): Promise<TLSSocket> {
  const { port } = new URL(muster.ingestUrl);
  const socket = connect({ host: 'localhost', port: Number(port), ca });
  await once(socket, 'secureConnect');
  return socket;
}

async function askOver(socket: TLSSocket): Promise<string> {
  socket.write('GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString();
}

function shownTo(socket: TLSSocket): string {
  return socket.getPeerCertificate().serialNumber;
}

function serialOf(certificate: string): string {
  return new X509Certificate(certificate).serialNumber;
}
