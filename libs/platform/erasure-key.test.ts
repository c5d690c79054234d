import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeErasureKey, publicPem, readErasureKey, readFormerErasureKeys } from './erasure-key.js';

test('public keys of earlier erasure keys may follow the key in its file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-key-'));
  const file = join(folder, 'erasure.pem');
  try {
    await makeErasureKey(file);
    const key = await readErasureKey(file);
    expect(await readFormerErasureKeys(file)).toEqual([]);
    const former = generateKeyPairSync('ed25519').privateKey;
    await appendFile(file, publicPem(former));
    expect((await readErasureKey(file)).equals(key)).toBe(true);
    const [read, ...more] = await readFormerErasureKeys(file);
    expect(read?.equals(createPublicKey(former))).toBe(true);
    expect(more).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
