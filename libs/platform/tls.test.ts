import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { makeCertificate } from './certificate.js';
import { followTls, loadTls } from './tls.js';

let dir: string;
let cleanUp: (() => void)[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'muster-tls-'));
  cleanUp = [];
});

afterEach(async () => {
  for (const step of cleanUp) step();
  await rm(dir, { recursive: true });
});

test('a made certificate is trusted by whoever trusts its file, for every name of this machine', async () => {
  const files = await makeCertificate(dir);
  const { cert, key } = await loadTls(files);
  const { port } = await listen(createServer({ cert, key }));
  for (const host of ['localhost', '127.0.0.1']) {
    expect(await serialSeen(port, cert, host)).toBe(serial(cert));
  }
  const certificate = new X509Certificate(cert);
  expect(certificate.checkIP('::1')).toBeDefined();
  expect(certificate.checkHost(hostname())).toBeDefined();
  expect((await stat(files.keyFile)).mode & 0o777).toBe(0o600);
});

test('a made certificate is used again, until it is about to expire', async () => {
  const { certFile } = await makeCertificate(dir);
  const first = await readFile(certFile, 'utf8');
  await makeCertificate(dir);
  expect(await readFile(certFile, 'utf8')).toBe(first);
  const almost = Date.parse(new X509Certificate(first).validTo) - 20 * 86_400_000;
  vi.useFakeTimers({ now: almost, toFake: ['Date'] });
  cleanUp.push(() => vi.useRealTimers());
  await makeCertificate(dir);
  expect(await readFile(certFile, 'utf8')).not.toBe(first);
});

test('a pair that cannot be used is refused in a sentence', async () => {
  const files = await makeCertificate(dir);
  const other = await makeCertificate(join(dir, 'other'));
  const absent = join(dir, 'absent.pem');
  await expect(loadTls({ ...files, certFile: absent })).rejects.toThrow(
    `TLS_CERT_FILE: cannot read ${absent} (ENOENT).`,
  );
  await expect(loadTls({ ...files, keyFile: other.keyFile })).rejects.toThrow(
    'does not belong to the certificate',
  );
  await expect(loadTls({ ...files, keyFile: files.certFile })).rejects.toThrow(
    'holds no PEM private key',
  );
  await writeFile(files.certFile, 'broken');
  await expect(loadTls(files)).rejects.toThrow('holds no PEM certificate');
});

test('a renewed certificate is used without a restart, however the files are swapped', async () => {
  const pairs = await Promise.all(['a', 'b', 'c'].map((name) => makeCertificate(join(dir, name))));
  const certs = await Promise.all(pairs.map(({ certFile }) => readFile(certFile, 'utf8')));
  const [live, next] = [join(dir, 'live'), join(dir, 'next')];
  await symlink(join(dir, 'a'), live);
  const files = { certFile: join(live, 'cert.pem'), keyFile: join(live, 'key.pem') };
  const { port, warnings } = await serveFollowing(files);
  expect(await serialSeen(port, certs.join('\n'))).toBe(serial(certs[0]!));

  await symlink(join(dir, 'b'), next);
  await rename(next, live);
  await vi.waitFor(async () => {
    expect(await serialSeen(port, certs.join('\n'))).toBe(serial(certs[1]!));
  });

  await rename(join(dir, 'c/key.pem'), join(dir, 'b/key.pem'));
  await rename(join(dir, 'c/cert.pem'), join(dir, 'b/cert.pem'));
  await vi.waitFor(async () => {
    expect(await serialSeen(port, certs.join('\n'))).toBe(serial(certs[2]!));
  });
  expect(warnings.filter((line) => !line.includes('does not belong'))).toEqual([]);
});

test('a broken renewal is told once, and the old certificate stays', async () => {
  const files = await makeCertificate(dir);
  const cert = await readFile(files.certFile, 'utf8');
  const { port, warnings } = await serveFollowing(files);
  await writeFile(files.certFile, 'broken');
  await vi.waitFor(() => expect(warnings).toHaveLength(1));
  expect(await serialSeen(port, cert)).toBe(serial(cert));
  await rm(files.keyFile);
  await vi.waitFor(() => expect(warnings).toHaveLength(2));
  expect(warnings[0]).toContain('holds no PEM certificate. The one in use stays.');
  expect(warnings[1]).toContain(`cannot read ${files.keyFile} (ENOENT). The one in use stays.`);
});

async function serveFollowing(files: { certFile: string; keyFile: string }) {
  const warnings: string[] = [];
  const pair = await loadTls(files);
  const server = createServer(pair);
  const logger = {
    info: () => undefined,
    warn: (line: unknown) => void warnings.push(String(line)),
  };
  cleanUp.push(followTls(server, files, pair, logger, 20));
  return { ...(await listen(server)), warnings };
}

async function listen(server: Server) {
  server.on('request', (_request, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, resolve));
  cleanUp.push(() => server.close());
  return { port: (server.address() as AddressInfo).port };
}

/** The serial number of the certificate that the server shows to a client that checks it. */
function serialSeen(port: number, ca: string, host = 'localhost'): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request({ host, port, ca, agent: false }, (response) => {
      const { socket } = response;
      resolve(socket instanceof TLSSocket ? socket.getPeerCertificate().serialNumber : 'no TLS');
      response.resume();
    });
    asking.on('error', reject).end();
  });
}

const serial = (cert: string) => new X509Certificate(cert).serialNumber;
