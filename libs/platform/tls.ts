import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Logger } from 'pino';
import { StartupError } from './startup-error.js';

const POLL_MS = 3000;

export interface TlsFiles {
  certFile: string;
  keyFile: string;
}

/** A certificate with its chain and its private key, PEM, known to belong together. */
export interface TlsPair {
  cert: string;
  key: string;
}

/** The part of `https.Server` that a new certificate is given to. */
interface TlsServer {
  setSecureContext(pair: TlsPair): void;
}

/** @throws StartupError when a file can't be read or the two are not a usable pair */
export async function loadTls(files: TlsFiles): Promise<TlsPair> {
  const pair = await readPair(files);
  checkPair(pair, files);
  return pair;
}

/**
 * Gives the server every new certificate that appears in the files, within a few seconds and
 * without dropping a connection. A pair that is unreadable, broken or half-written is logged once
 * and the old one stays.
 *
 * The contents are compared rather than watched: renewers swap a symlink (certbot), a directory
 * behind it (Kubernetes) or rename a file over it, and watches and mtimes miss one or other.
 *
 * @returns a function that ends it
 */
export function followTls(
  server: TlsServer,
  files: TlsFiles,
  current: TlsPair,
  logger: Pick<Logger, 'info' | 'warn'>,
  pollMs = POLL_MS,
): () => void {
  let seen = fingerprint(current);
  let complaint = '';
  const poll = async () => {
    try {
      const pair = await readPair(files);
      if (fingerprint(pair) !== seen) {
        seen = fingerprint(pair);
        checkPair(pair, files);
        server.setSecureContext(pair);
        logger.info({ certFile: files.certFile }, 'a new TLS certificate is in use');
      }
      complaint = '';
    } catch (error) {
      if (!(error instanceof StartupError)) throw error;
      if (error.message !== complaint) logger.warn(`${error.message} The one in use stays.`);
      complaint = error.message;
    }
  };
  let ended = false;
  let timer: NodeJS.Timeout;
  const next = () => {
    timer = setTimeout(() => void poll().finally(() => ended || next()), pollMs).unref();
  };
  next();
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}

const fingerprint = ({ cert, key }: TlsPair) => `${cert}\n${key}`;

async function readPair({ certFile, keyFile }: TlsFiles): Promise<TlsPair> {
  const [cert, key] = await Promise.all([
    read('TLS_CERT_FILE', certFile),
    read('TLS_KEY_FILE', keyFile),
  ]);
  return { cert, key };
}

async function read(setting: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new StartupError(`${setting}: cannot read ${file} (${code}).`, { cause });
  }
}

function checkPair(pair: TlsPair, { certFile, keyFile }: TlsFiles) {
  const certificate = parse(() => new X509Certificate(pair.cert));
  if (!certificate) throw new StartupError(`TLS_CERT_FILE: ${certFile} holds no PEM certificate.`);
  const key = parse(() => createPrivateKey(pair.key));
  if (!key) {
    throw new StartupError(`TLS_KEY_FILE: ${keyFile} holds no PEM private key without passphrase.`);
  }
  if (!certificate.checkPrivateKey(key)) {
    throw new StartupError(
      `The key in ${keyFile} does not belong to the certificate in ${certFile}.`,
    );
  }
  if (!parse(() => createSecureContext(pair))) {
    throw new StartupError(`TLS_CERT_FILE: OpenSSL refuses the certificate in ${certFile}.`);
  }
}

function parse<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
