import { hash, timingSafeEqual } from 'node:crypto';

/** The write keys that are accepted, known by their SHA-256 only. */
export class WriteKeys {
  readonly #keys: { digest: Buffer; product: string }[];

  /** @param productsByDigest SHA-256 of each key, in hex, and the product it belongs to */
  constructor(productsByDigest: ReadonlyMap<string, string>) {
    this.#keys = [...productsByDigest].map(([digest, product]) => ({
      digest: Buffer.from(digest, 'hex'),
      product,
    }));
  }

  /** The product of a key, or null. Every known key is compared, each in constant time. */
  productOf(key: string): string | null {
    const digest = hash('sha256', key, 'buffer');
    let product: string | null = null;
    for (const known of this.#keys) {
      if (timingSafeEqual(known.digest, digest)) product = known.product;
    }
    return product;
  }
}

/** The key of an Authorization header: a Bearer token, or the user of Basic. Null where there is none. */
export function keyInHeader(authorization: string | undefined): string | null {
  const [scheme = '', credentials = ''] = authorization?.trim().split(/\s+/, 2) ?? [];
  if (/^bearer$/i.test(scheme)) return credentials;
  if (!/^basic$/i.test(scheme)) return null;
  return Buffer.from(credentials, 'base64').toString('utf8').split(':', 1)[0] ?? null;
}
