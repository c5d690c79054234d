import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
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

test('a new erasure key is never visible before it is complete, and an existing one is kept', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-key-'));
  const file = join(folder, 'erasure.pem');
  try {
    const made = makeErasureKey(file);
    while (!existsSync(file)) await turn();
    const first = readFileSync(file, 'utf8');
    await made;
    await makeErasureKey(file);
    expect(first).toMatch(/^-----BEGIN PRIVATE KEY-----\n[^-]+\n-----END PRIVATE KEY-----\n$/);
    expect(await readFile(file, 'utf8')).toBe(first);
    expect(await readdir(folder)).toEqual(['erasure.pem']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
