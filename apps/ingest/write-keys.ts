import { hash } from 'node:crypto';
import type { Clock } from '#queue';
import type { KnownKey } from '#telemetry';

/** The sender of a request. */
export interface Sender {
  product: string;
  /** SHA-256 of the write key, in hex. */
  keyDigest: string;
}

/** The accepted write keys, known only by their SHA-256. */
export class WriteKeys {
  readonly #configured: ReadonlyMap<string, string>;
  #decided: ReadonlyMap<string, KnownKey> = new Map();

  /**
   * @param configured SHA-256 of each key, in hex, and the product it belongs to
   * @param isComplete whether the keys of administrators are known: until then, a key that is not known may be valid
   * @param clock by which keys end
   */
  constructor(
    configured: ReadonlyMap<string, string>,
    private readonly isComplete: () => boolean = () => true,
    private readonly clock: Clock = Date,
  ) {
    this.#configured = configured;
  }

  /** Applies administrators' keys, which take precedence over configured ones. */
  decide(keys: readonly KnownKey[]): void {
    this.#decided = new Map(keys.map((key) => [key.digest, key]));
  }

  /**
   * The sender with this key; null if the key is not accepted. Keys are looked up by digest, so timing can reveal
   * digests at most. A digest does not reveal its key, which has 160 random bits.
   */
  senderOf(key: string): Sender | null {
    const keyDigest = hash('sha256', key, 'hex');
    const decided = this.#decided.get(keyDigest);
    if (decided) {
      const { product, endsAt } = decided;
      return endsAt === null || endsAt > this.clock.now() ? { product, keyDigest } : null;
    }
    const product = this.#configured.get(keyDigest);
    return product === undefined ? null : { product, keyDigest };
  }

  /** The countable parts of a key that is not accepted. */
  refusedKeyOf(key: string): { keyDigest: string; product: string | undefined } {
    const keyDigest = hash('sha256', key, 'hex');
    return { keyDigest, product: this.#decided.get(keyDigest)?.product };
  }

  /** Whether a key that is not accepted may be one of an administrator's that could not be read. */
  mayBeUnread(key: string): boolean {
    return !this.isComplete() && !this.#decided.has(hash('sha256', key, 'hex'));
  }
}

/** The key in an Authorization header: a bearer token, or the user of basic authentication. Null if missing. */
export function keyInHeader(authorization: string | undefined): string | null {
  const [scheme = '', credentials = ''] = authorization?.trim().split(/\s+/, 2) ?? [];
  if (/^bearer$/i.test(scheme)) return credentials;
  if (!/^basic$/i.test(scheme)) return null;
  return Buffer.from(credentials, 'base64').toString('utf8').split(':', 1)[0] ?? null;
}
