import { hash } from 'node:crypto';
import type { Clock } from '#queue';
import type { KnownKey } from '#telemetry';

/** Whose request it is. */
export interface Sender {
  product: string;
  /** SHA-256 of the write key, in hex. */
  keyDigest: string;
}

/** The write keys that are accepted, known by their SHA-256 only. */
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

  /** Takes the keys that administrators have made or ended: what they say of a key counts. */
  decide(keys: readonly KnownKey[]): void {
    this.#decided = new Map(keys.map((key) => [key.digest, key]));
  }

  /**
   * Who sends with this key; null where nobody may. The key is looked up by its digest, however many
   * there are: how long that takes may tell something of digests, and of no key. Whoever learned a
   * whole digest could not go back from it to the key, which has 160 random bits.
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

  /** What may be counted of a key that is not accepted. */
  refusedKeyOf(key: string): { keyDigest: string; product: string | undefined } {
    const keyDigest = hash('sha256', key, 'hex');
    return { keyDigest, product: this.#decided.get(keyDigest)?.product };
  }

  /** Whether a key that is not accepted may be one of an administrator's that could not be read. */
  mayBeUnread(key: string): boolean {
    return !this.isComplete() && !this.#decided.has(hash('sha256', key, 'hex'));
  }
}

/** The key of an Authorization header: a Bearer token, or the user of Basic. Null where there is none. */
export function keyInHeader(authorization: string | undefined): string | null {
  const [scheme = '', credentials = ''] = authorization?.trim().split(/\s+/, 2) ?? [];
  if (/^bearer$/i.test(scheme)) return credentials;
  if (!/^basic$/i.test(scheme)) return null;
  return Buffer.from(credentials, 'base64').toString('utf8').split(':', 1)[0] ?? null;
}
