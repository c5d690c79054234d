import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createFile } from './durable-file.js';
import { pemBlocks } from './pem.js';
import { StartupError } from './startup-error.js';

/** Reads the key that signs erasure certificates (Ed25519, PEM). @throws StartupError */
export async function readErasureKey(file: string): Promise<KeyObject> {
  try {
    const key = createPrivateKey(await readFile(file));
    if (key.asymmetricKeyType !== 'ed25519') throw new Error('It is not an Ed25519 key.');
    return key;
  } catch (cause) {
    throw new StartupError(`ERASURE_KEY_FILE: ${file} is not an Ed25519 private key in PEM.`, {
      cause,
    });
  }
}

/**
 * Reads the public keys that follow the private key in its file. They belong to earlier keys, whose entries in the
 * erasure ledger stay valid. @throws StartupError
 */
export async function readFormerErasureKeys(file: string): Promise<KeyObject[]> {
  try {
    const pems = pemBlocks(await readFile(file, 'utf8'), 'PUBLIC KEY');
    return pems.map((pem) => createPublicKey(pem));
  } catch (cause) {
    throw new StartupError(`ERASURE_KEY_FILE: ${file} contains an invalid public key.`, {
      cause,
    });
  }
}

/** Creates a key, unless the file exists. */
export async function makeErasureKey(file: string): Promise<void> {
  if (existsSync(file)) return;
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await createFile(file, pem, 0o600);
}

/** The public key, in PEM. */
export function publicPem(key: KeyObject): string {
  return createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
}
