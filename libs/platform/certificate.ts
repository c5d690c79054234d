import { randomBytes, X509Certificate } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { replaceFile } from './durable-file.js';
import { loadTls, type TlsFiles } from './tls.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** The maximum that Apple's clients accept. */
const VALID_DAYS = 825;
const RENEW_DAYS = 30;

/**
 * Ensures a self-signed certificate for this machine: localhost, its loopback addresses, its host name and `hosts`.
 * Used if no certificate is configured; clients must trust `certFile`. An existing one is kept unless it is broken, about
 * to expire, or lacks a name.
 *
 * @param dir the folder for `cert.pem` and `key.pem` (mode 0600), created if missing
 * @param hosts additional names and addresses
 */
export async function makeCertificate(
  dir: string,
  hosts: readonly string[] = [],
): Promise<TlsFiles> {
  const names = new Set(['localhost', '127.0.0.1', '::1', hostname(), ...hosts].filter(isNameable));
  const files = { certFile: join(dir, 'cert.pem'), keyFile: join(dir, 'key.pem') };
  if (await isUsable(files, names)) return files;
  // Imported on demand, because it would slow down the start of every process.
  const { generate } = await import('selfsigned');
  const expiry = new Date(Date.now() + VALID_DAYS * DAY_MS);
  // OpenSSL finds a trusted certificate by its subject, so each needs a different one.
  const subject = `muster ${randomBytes(4).toString('hex')}`;
  const pair = await generate([{ name: 'commonName', value: subject }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    // Clients with a slightly slow clock should accept it.
    notBeforeDate: new Date(Date.now() - DAY_MS),
    notAfterDate: new Date(expiry.getTime() - DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: [...names].map(altName) },
    ],
  });
  await mkdir(dir, { recursive: true });
  await replaceFile(files.keyFile, pair.private, 0o600);
  await replaceFile(files.certFile, pair.cert, 0o644);
  return files;
}

const altName = (name: string) =>
  isIP(name) ? ({ type: 7, ip: name } as const) : ({ type: 2, value: name } as const);

/** Whether a certificate can contain the name. Host names may have other characters. */
function isNameable(name: string): boolean {
  return isIP(name) > 0 || /^[a-z0-9.-]+$/i.test(name);
}

async function isUsable(files: TlsFiles, names: ReadonlySet<string>): Promise<boolean> {
  const pair = await loadTls(files).catch(() => undefined);
  if (!pair) return false;
  const certificate = new X509Certificate(pair.cert);
  const leftMs = Date.parse(certificate.validTo) - Date.now();
  await chmod(files.keyFile, 0o600);
  const isFor = (name: string) =>
    (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined;
  return leftMs > RENEW_DAYS * DAY_MS && [...names].every(isFor);
}
