import { chmod, chown, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { restrictToOwner } from './owner-only.js';

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'muster-owner-'));
  await mkdir(join(dataDir, 'redis'));
  await mkdir(join(dataDir, 'logs'));
  for (const file of ['secrets.json', 'logs/ingest.log', 'redis/dump.rdb', 'foreign.txt']) {
    await writeFile(join(dataDir, file), '');
    await chmod(join(dataDir, file), 0o644);
  }
  for (const folder of ['.', 'redis', 'logs']) await chmod(join(dataDir, folder), 0o755);
});

afterEach(() => rm(dataDir, { recursive: true }));

const modesOf = async (...names: string[]) =>
  Promise.all(names.map(async (name) => (await stat(join(dataDir, name))).mode & 0o777));

test('the open data folder of an earlier version becomes accessible to its owner only', async () => {
  await restrictToOwner(dataDir);
  expect(await modesOf('.', 'redis', 'logs')).toEqual([0o700, 0o700, 0o700]);
  expect(await modesOf('secrets.json', 'logs/ingest.log', 'redis/dump.rdb')).toEqual([
    ...[0o600, 0o600, 0o600],
  ]);
  expect(await modesOf('foreign.txt')).toEqual([0o644]);
});

test('a folder that was not created by Muster keeps its mode and its foreign entries', async () => {
  await rm(join(dataDir, 'secrets.json'));
  await restrictToOwner(dataDir);
  expect(await modesOf('.', 'foreign.txt', 'redis')).toEqual([0o755, 0o644, 0o700]);
});

test.runIf(process.getuid?.() === 0)(
  'root restricts the entries of other users as well',
  async () => {
    for (const name of ['.', 'redis', 'redis/dump.rdb', 'secrets.json']) {
      await chown(join(dataDir, name), 65_534, 65_534);
    }
    await restrictToOwner(dataDir);
    expect(await modesOf('.', 'redis', 'redis/dump.rdb', 'secrets.json')).toEqual([
      ...[0o700, 0o700, 0o600, 0o600],
    ]);
  },
);
