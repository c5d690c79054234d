import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Logger } from 'pino';
import {
  certificateValidity,
  isCurrent,
  type CertificateValidity,
} from './certificate-validity.js';
import { StartupError } from './startup-error.js';

const POLL_MS = 3000;
const DAY_MS = 86_400_000;

export interface TlsFiles {
  certFile: string;
  keyFile: string;
}

/** A certificate with its chain, and the matching private key; PEM. */
export interface TlsPair {
  cert: string;
  key: string;
}

/** The part of `https.Server` that accepts a new certificate. */
interface TlsServer {
  setSecureContext(pair: TlsPair): void;
}

/** @throws StartupError if a file cannot be read, or the two are not a usable pair */
export async function loadTls(files: TlsFiles): Promise<TlsPair> {
  const pair = await readPair(files);
  checkPair(pair, files);
  return pair;
}

/**
 * The certificate of a server. Reloads its files within seconds of a change, without dropping connections. If the new
 * pair is unreadable, broken or half-written, or is outside its dates while the current one is not, that is logged once
 * and the current pair stays in use.
 *
 * Polls the contents instead of watching the files: certificates are renewed by swapping a symlink (certbot) or a
 * directory behind it (Kubernetes), or by renaming a file over the old one. Watches and mtimes miss some of these.
 *
 * A certificate that is expired, expires soon or is not yet valid is logged at the start and every day.
 */
export class ServedCertificate {
  #timers: NodeJS.Timeout[] = [];
  #isFollowing = false;
  #refused = '';

  constructor(
    private readonly files: TlsFiles,
    public pair: TlsPair,
    private readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>,
  ) {}

  /** @throws StartupError if a file cannot be read, or the two are not a usable pair */
  static async load(
    files: TlsFiles,
    logger: Pick<Logger, 'info' | 'warn' | 'error'>,
  ): Promise<ServedCertificate> {
    return new ServedCertificate(files, await loadTls(files), logger);
  }

  validity(): CertificateValidity {
    return certificateValidity(this.pair.cert);
  }

  follow(server: TlsServer, pollMs = POLL_MS): void {
    this.#isFollowing = true;
    this.#logValidity();
    this.#timers[0] = setInterval(() => this.#logValidity(), DAY_MS).unref();
    const next = () => {
      this.#timers[1] = setTimeout(() => {
        void this.#poll(server).finally(() => this.#isFollowing && next());
      }, pollMs).unref();
    };
    next();
  }

  stop(): void {
    this.#isFollowing = false;
    for (const timer of this.#timers) clearInterval(timer);
  }

  async #poll(server: TlsServer): Promise<void> {
    try {
      const pair = await readPair(this.files);
      if (fingerprint(pair) !== fingerprint(this.pair)) {
        checkPair(pair, this.files);
        this.#checkDates(pair);
        server.setSecureContext(pair);
        this.pair = pair;
        this.logger.info({ certFile: this.files.certFile }, 'TLS certificate reloaded');
        this.#logValidity();
      }
      this.#refused = '';
    } catch (error) {
      if (!(error instanceof StartupError)) throw error;
      if (error.message !== this.#refused) {
        this.logger.warn(`${error.message} Keeping the current certificate.`);
      }
      this.#refused = error.message;
    }
  }

  #checkDates({ cert }: TlsPair): void {
    const next = certificateValidity(cert);
    if (isCurrent(next) || !isCurrent(this.validity())) return;
    const problem = next.state === 'expired' ? 'expired on' : 'is not valid before';
    const date = next.state === 'expired' ? next.notAfter : next.notBefore;
    throw new StartupError(
      `TLS_CERT_FILE: the certificate in ${this.files.certFile} ${problem} ${date}.`,
    );
  }

  #logValidity(): void {
    const { state, ...dates } = this.validity();
    const { certFile } = this.files;
    if (state === 'expired') {
      this.logger.error({ certFile, ...dates }, 'the TLS certificate has expired');
    } else if (state === 'not_yet_valid') {
      this.logger.error({ certFile, ...dates }, 'the TLS certificate is not valid yet');
    } else if (state === 'expiring') {
      this.logger.warn({ certFile, ...dates }, 'the TLS certificate expires soon');
    }
  }
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
  if (!certificate)
    throw new StartupError(`TLS_CERT_FILE: ${certFile} contains no PEM certificate.`);
  const key = parse(() => createPrivateKey(pair.key));
  if (!key) {
    throw new StartupError(
      `TLS_KEY_FILE: ${keyFile} contains no PEM private key without a passphrase.`,
    );
  }
  if (!certificate.checkPrivateKey(key)) {
    throw new StartupError(
      `The key in ${keyFile} does not belong to the certificate in ${certFile}.`,
    );
  }
  if (!parse(() => createSecureContext(pair))) {
    throw new StartupError(`TLS_CERT_FILE: OpenSSL rejects the certificate in ${certFile}.`);
  }
}

function parse<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
