import { appendFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startRedis, type PrivateRedis } from './support/redis.js';

let redis: PrivateRedis;

beforeEach(async () => {
  redis = await startRedis();
  const client = new Redis(redis.url);
  await client.set('acknowledged', 'yes');
  client.disconnect();
  await redis.kill();
});

afterEach(() => redis.stop());

test('trailing zeros left by a power cut are removed, and every acknowledged event is kept', async () => {
  const file = await lastFile();
  const before = await readFile(file);
  await appendFile(file, Buffer.alloc(4096));
  expect(await redis.restart()).toEqual([
    `Redis' file ${file} ended in 4096 zero bytes, as after a power cut. They were cut off; no event was in them.`,
  ]);
  const client = new Redis(redis.url);
  expect(await client.get('acknowledged')).toBe('yes');
  client.disconnect();
  expect((await readFile(file)).subarray(0, before.length)).toEqual(before);
});

test('an incomplete last record does not prevent a start', async () => {
  await appendFile(await lastFile(), '*3\r\n$3\r\nSET\r\n$5\r\nhel');
  expect(await redis.restart()).toEqual([]);
});

test('other damage is not touched, and the error names the file, the repair command and the loss', async () => {
  const file = await lastFile();
  const { length } = await readFile(file);
  await appendFile(file, 'not a record\r\n');
  const damaged = await readFile(file);
  const manifest = join(redis.dir, 'appendonlydir/appendonly.aof.manifest');
  await expect(redis.restart()).rejects.toThrow(
    `Redis cannot read ${file} from byte ${length} on (of ${length + 14}). Copy ${join(redis.dir, 'appendonlydir')} to a safe place, then run: ` +
      `redis-check-aof --fix ${manifest}\n` +
      'This removes everything from that byte on: acknowledged events in it that no worker has stored yet are lost.',
  );
  expect(await readFile(file)).toEqual(damaged);
});

async function lastFile(): Promise<string> {
  const folder = join(redis.dir, 'appendonlydir');
  const files = (await readdir(folder)).filter((name) => name.endsWith('.incr.aof')).sort();
  return join(folder, files.at(-1)!);
}
