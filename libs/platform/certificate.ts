import { randomBytes, X509Certificate } from 'node:crypto';
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { loadTls, type TlsFiles } from './tls.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** The longest that Apple's clients accept. */
const VALID_DAYS = 825;
const RENEW_DAYS = 30;

/**
 * A certificate for this machine (localhost, its loopback addresses, its host name), for use where
 * nobody has given one. It is signed by itself, so a client that trusts `certFile` trusts it. Made
 * once per folder, and anew when it is about to expire, broken, or for another host name.
 *
 * @param dir the folder for `cert.pem` and `key.pem` (mode 0600); made if missing
 */
export async function makeCertificate(dir: string): Promise<TlsFiles> {
  const files = { certFile: join(dir, 'cert.pem'), keyFile: join(dir, 'key.pem') };
  if (await isStillGood(files)) return files;
  const expiry = new Date(Date.now() + VALID_DAYS * DAY_MS);
  // OpenSSL finds a trusted certificate by its subject: two alike in one file would hide each other.
  const subject = `muster ${randomBytes(4).toString('hex')}`;
  const pair = await generate([{ name: 'commonName', value: subject }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    // A clock that is a little behind ours should not refuse it.
    notBeforeDate: new Date(Date.now() - DAY_MS),
    notAfterDate: new Date(expiry.getTime() - DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...hostNames().map((value) => ({ type: 2 as const, value })),
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  await mkdir(dir, { recursive: true });
  await replace(files.keyFile, pair.private, 0o600);
  await replace(files.certFile, pair.cert, 0o644);
  return files;
}

function hostNames(): string[] {
  const host = hostname();
  // A host name may hold what a certificate can't.
  return /^[a-z0-9.-]+$/i.test(host) ? [...new Set(['localhost', host])] : ['localhost'];
}

async function isStillGood(files: TlsFiles): Promise<boolean> {
  const pair = await loadTls(files).catch(() => undefined);
  if (!pair) return false;
  const certificate = new X509Certificate(pair.cert);
  const leftMs = Date.parse(certificate.validTo) - Date.now();
  if (leftMs < RENEW_DAYS * DAY_MS) return false;
  await chmod(files.keyFile, 0o600);
  return hostNames().every((name) => certificate.checkHost(name) !== undefined);
}

async function replace(file: string, text: string, mode: number) {
  await writeFile(`${file}.new`, text, { mode });
  await rename(`${file}.new`, file);
}
