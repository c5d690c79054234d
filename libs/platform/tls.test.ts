import { X509Certificate } from 'node:crypto';
import {
  copyFile,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { certificateValidity } from './certificate-validity.js';
import { makeCertificate } from './certificate.js';
import { loadTls, ServedCertificate } from './tls.js';

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

test('clients that trust the file of a self-signed certificate can use every name of this machine', async () => {
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

test('a self-signed certificate is reused until it is about to expire', async () => {
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

test('an unusable pair is rejected with a clear message', async () => {
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
    'contains no PEM private key',
  );
  await writeFile(files.certFile, 'broken');
  await expect(loadTls(files)).rejects.toThrow('contains no PEM certificate');
});

test('a renewed certificate is loaded without a restart, however the files are replaced', async () => {
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

test('a broken renewal is logged once, and the old certificate stays in use', async () => {
  const files = await makeCertificate(dir);
  const cert = await readFile(files.certFile, 'utf8');
  const { port, warnings } = await serveFollowing(files);
  await writeFile(files.certFile, 'broken');
  await vi.waitFor(() => expect(warnings).toHaveLength(1));
  expect(await serialSeen(port, cert)).toBe(serial(cert));
  await rm(files.keyFile);
  await vi.waitFor(() => expect(warnings).toHaveLength(2));
  expect(warnings[0]).toContain('contains no PEM certificate. Keeping the current certificate.');
  expect(warnings[1]).toContain(
    `cannot read ${files.keyFile} (ENOENT). Keeping the current certificate.`,
  );
});

test.each([
  ['expires in 30 days', -1, 30, 'expiring', ['the TLS certificate expires soon']],
  ['expires in 31 days', -1, 31.5, 'valid', []],
  ['has expired', -10, -1, 'expired', ['the TLS certificate has expired']],
  ['is not valid yet', 1, 90, 'not_yet_valid', ['the TLS certificate is not valid yet']],
])(
  'a certificate that %s is logged accordingly, and served',
  async (_, from, to, state, warned) => {
    const files = await certificateFor(from, to);
    const { certificate, warnings } = await serveFollowing(files);
    expect(certificate.validity()).toMatchObject({ state, daysLeft: Math.floor(to) });
    expect(warnings).toEqual(warned);
  },
);

test('a certificate that is about to expire is logged again each day', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] });
  cleanUp.push(() => vi.useRealTimers());
  const { warnings } = await serveFollowing(await certificateFor(-1, 7));
  vi.advanceTimersByTime(3 * 86_400_000);
  expect(warnings).toEqual(Array.from({ length: 4 }, () => 'the TLS certificate expires soon'));
});

test('an expired renewal does not replace a valid certificate', async () => {
  const files = await makeCertificate(dir);
  const cert = await readFile(files.certFile, 'utf8');
  const { port, warnings } = await serveFollowing(files);
  const expired = await certificateFor(-10, -1);
  for (const name of ['key.pem', 'cert.pem']) {
    await copyFile(join(dirname(expired.certFile), name), join(dir, name));
  }
  await vi.waitFor(() =>
    expect(warnings.at(-1)).toMatch(/ expired on .* Keeping the current certificate\.$/),
  );
  expect(await serialSeen(port, cert)).toBe(serial(cert));
});

test('a chain expires with the first of its certificates', async () => {
  const [long, short] = await Promise.all([certificateFor(-1, 90), certificateFor(-2, 5)]);
  const chain = await Promise.all([long, short].map(({ certFile }) => readFile(certFile, 'utf8')));
  expect(certificateValidity(chain.join(''))).toMatchObject({ state: 'expiring', daysLeft: 5 });
});

/** A certificate for localhost that is valid between two times, in days from now. */
async function certificateFor(fromDays: number, toDays: number) {
  const { generate } = await import('selfsigned');
  const at = (days: number) => new Date(Date.now() + days * 86_400_000 + 60_000);
  const pair = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...{ keyType: 'ec', curve: 'P-256', algorithm: 'sha256' },
    ...{ notBeforeDate: at(fromDays), notAfterDate: at(toDays) },
  });
  const folder = await mkdtemp(join(dir, 'dated-'));
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
  await writeFile(files.certFile, pair.cert);
  await writeFile(files.keyFile, pair.private);
  return files;
}

async function serveFollowing(files: { certFile: string; keyFile: string }) {
  const warnings: string[] = [];
  const warn = (...args: unknown[]) => void warnings.push(String(args.at(-1)));
  const certificate = await ServedCertificate.load(files, {
    ...{ info: () => undefined, warn, error: warn },
  });
  const server = createServer(certificate.pair);
  certificate.follow(server, 20);
  cleanUp.push(() => certificate.stop());
  return { ...(await listen(server)), certificate, warnings };
}

async function listen(server: Server) {
  server.on('request', (_request, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, resolve));
  cleanUp.push(() => server.close());
  return { port: (server.address() as AddressInfo).port };
}

/** The serial number of the certificate that the server presents to a verifying client. */
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
