import { createHmac } from 'node:crypto';

const MAX_REMEMBERED = 200_000;

/**
 * Knows installations by a keyed hash, HMAC-SHA-256: what is suppressed must be known for ever, and its
 * id must not. With another key, no suppressed installation is recognised.
 */
export class InstallationHasher {
  readonly #key: string;
  readonly #hashes = new Map<string, Buffer>();

  constructor(key: string) {
    this.#key = key;
  }

  hash(installationId: string): Buffer {
    const known = this.#hashes.get(installationId);
    if (known) return known;
    const hash = createHmac('sha256', this.#key).update(`suppression\0${installationId}`).digest();
    if (this.#hashes.size >= MAX_REMEMBERED) this.#hashes.clear();
    this.#hashes.set(installationId, hash);
    return hash;
  }
}
