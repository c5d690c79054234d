import { createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LedgerList } from '#queue';
import {
  ErasureLedger,
  LedgerFile,
  LedgerNotWritable,
  UnknownLedgerKey,
  type LedgerOptions,
  type LedgerRecord,
  type Repair,
} from '#storage';
import { connectTo, sharedRedis } from './support/redis.js';

const { privateKey: key } = generateKeyPairSync('ed25519');

let folder: string;
let redis: Redis;
let listKey: string;
let open: (file?: string, options?: Partial<LedgerOptions>) => ErasureLedger;
let openList: () => LedgerList;
let repairs: Repair[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-ledger-'));
  const { url: redisUrl, queuePrefix: prefix } = sharedRedis();
  redis = new Redis(redisUrl);
  listKey = `${prefix}:erasure-ledger`;
  repairs = [];
  openList = () => new LedgerList(connectTo(redisUrl, prefix));
  open = (file = 'ledger.ndjson', options = {}) => {
    const list = openList();
    const copy = new LedgerFile(join(folder, file));
    return new ErasureLedger({
      ...{ list, file: copy, key, clock: Date },
      onRepair: (it) => repairs.push(it),
      ...options,
    });
  };
});

afterEach(async () => {
  await redis.del(listKey);
  redis.disconnect();
  await rm(folder, { recursive: true });
});

function record(): LedgerRecord {
  return {
    ...{ kind: 'erased', mode: 'erase', erasureId: randomUUID() },
    ...{ requestedAt: new Date().toISOString(), installations: ['digest'] },
  };
}

const inRedis = () => redis.lrange(listKey, 0, -1);
const inFile = async (file = 'ledger.ndjson') =>
  (await readFile(join(folder, file), 'utf8')).split('\n').slice(0, -1);

test('an appended entry is in Redis and in a file that only its owner can read', async () => {
  const ledger = open();
  const [first] = await ledger.append([record()]);
  const [second] = await ledger.append([record()]);
  expect([first?.sequence, second?.sequence]).toEqual([1, 2]);
  expect(await inRedis()).toEqual(await inFile());
  expect((await stat(join(folder, 'ledger.ndjson'))).mode & 0o777).toBe(0o600);
  expect(await ledger.read()).toMatchObject({ fault: null, head: second });
});

test('concurrent appends form one chain in all copies', async () => {
  const ledgers = [open('one'), open('two'), open('shared'), open('shared')];
  await Promise.all(
    ledgers.map(async (ledger) => {
      for (let round = 0; round < 10; round += 1) await ledger.append([record(), record()]);
    }),
  );
  await Promise.all(ledgers.map((ledger) => ledger.synchronise()));
  const { entries, fault } = await open('other').read();
  expect(fault).toBeNull();
  expect(new Set(entries.map(({ erasureId }) => erasureId)).size).toBe(80);
  const whole = await inRedis();
  for (const file of ['one', 'two', 'shared']) {
    expect([...new Set(await inFile(file))], file).toEqual(whole);
  }
}, 60_000);

test('a flushed Redis gets the ledger back from the file, in a running process and at startup', async () => {
  const ledger = open();
  await ledger.append([record(), record()]);
  const before = await inRedis();
  for (const it of [ledger, open()]) {
    await redis.del(listKey);
    await it.synchronise();
    expect(await inRedis()).toEqual(before);
  }
  await ledger.append([record()]);
  expect(await inRedis()).toHaveLength(3);
});

test('a lost file is restored from Redis, in a running process and at startup', async () => {
  const ledger = open();
  await ledger.append([record(), record()]);
  const before = await inFile();
  for (const it of [ledger, open()]) {
    await rm(join(folder, 'ledger.ndjson'));
    await it.synchronise();
    expect(await inFile()).toEqual(before);
  }
});

test('a tampered copy is replaced, preserved under another name and reported', async () => {
  await open().append([record(), record(), record()]);
  const before = await inFile();
  await writeFile(join(folder, 'ledger.ndjson'), before.toSpliced(1, 1).join('\n') + '\n');
  await redis.lset(listKey, 2, before[2]!.replace('digest', 'other'));
  // Each copy lacks an entry of the other.
  await open().synchronise();
  expect(repairs).toMatchObject([
    {
      redis: { action: 'replace', fault: { reason: 'altered', sequence: 3 } },
      file: { action: 'replace', fault: { reason: 'missing', sequence: 2 } },
    },
  ]);
  expect(await inFile()).toEqual(before);
  expect(await inRedis()).toEqual(before);
  expect((await readdir(folder)).filter((name) => name.includes('.replaced-'))).toHaveLength(1);
  const [kept] = await redis.keys(`${listKey}:replaced:*`);
  await redis.del(kept!);
});

test('the next worker repairs what a worker killed while writing left', async () => {
  await open().append([record(), record()]);
  const before = await inFile();
  await appendFile(join(folder, 'ledger.ndjson'), before[1]!.slice(0, 40));
  const next = open();
  await next.append([record()]);
  expect(await inFile()).toEqual(await inRedis());
  expect(await inFile()).toHaveLength(3);
});

test('if the copies fork, as after a Redis failover, no entry of either branch is lost', async () => {
  const ledger = open('one');
  await ledger.append([record()]);
  const lost = record();
  await ledger.append([lost]);
  await redis.rpop(listKey);
  await open('two').append([record(), record()]);
  await ledger.synchronise();
  const { entries, fault } = await ledger.read();
  expect(fault).toBeNull();
  expect(entries.at(-1)).toMatchObject({ erasureId: lost.erasureId, formerly: [{ sequence: 2 }] });
  expect(await inFile('one')).toEqual(await inRedis());
});

test('a repair that cannot replace the file loses no entry of its branch, and adds each to Redis once', async () => {
  // The file can be appended to, but the name for its replaced version is too long.
  const name = 'l'.repeat(235);
  const ledger = open(name);
  const lost = record();
  await ledger.append([record(), lost]);
  await redis.rpop(listKey);
  await open('two').append([record(), record()]);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await expect(ledger.synchronise()).rejects.toThrow(
      new LedgerNotWritable('file not usable (ENAMETOOLONG)'),
    );
  }
  const { entries } = await ledger.read();
  expect(entries).toHaveLength(4);
  expect(entries.at(-1)).toMatchObject({ erasureId: lost.erasureId });
});

test('a worker that does not know the key of an entry leaves both copies as they are', async () => {
  const { privateKey: newKey } = generateKeyPairSync('ed25519');
  const [before, shared] = [open(), open()];
  await before.append([record()]);
  const forgetful = open('ledger.ndjson', { key: newKey });
  await expect(forgetful.synchronise()).rejects.toThrow('ledger unknown_key at 1');
  const after = open('ledger.ndjson', { key: newKey, formerKeys: [createPublicKey(key)] });
  const [added] = await after.append([record()]);
  const [redisBefore, fileBefore] = [await inRedis(), await inFile()];
  for (const it of [before, shared]) {
    await expect(it.synchronise()).rejects.toThrow(new UnknownLedgerKey('ledger unknown_key at 2'));
    await expect(it.append([record()])).rejects.toThrow(LedgerNotWritable);
  }
  expect(await inRedis()).toEqual(redisBefore);
  expect(await inFile()).toEqual(fileBefore);
  expect(await redis.keys(`${listKey}:*`)).toEqual([]);
  expect((await after.read()).entries[1]?.sequence).toBe(added?.sequence);
});

test('a ledger of 150,000 entries returns to an empty Redis', async () => {
  const lines = Array.from({ length: 150_000 }, (_, at) => String(at));
  const list = openList();
  expect(await list.append({ length: 0, lastLine: '' }, lines)).toBe(true);
  expect(await list.end()).toEqual({ length: 150_000, lastLine: '149999' });
  expect(await list.append({ length: 0, lastLine: '' }, ['again'])).toBe(false);
});

test("entries are dated by the stores' clock, not by that of the machine", async () => {
  const now = Date.now() + 7_200_000;
  const ledger = open('ledger.ndjson', { clock: { now: () => now } });
  await ledger.append([record()]);
  expect((await ledger.read()).entries[0]?.at).toBe(new Date(now).toISOString());
});

test('a file that cannot be read fails as one that cannot be written', async () => {
  await expect(new LedgerFile(folder).read()).rejects.toThrow(
    new LedgerNotWritable('file not usable (EISDIR)'),
  );
});

test('append fails while the file cannot be written', async () => {
  const ledger = open('folder');
  await ledger.append([record()]);
  await rm(join(folder, 'folder'));
  await writeFile(join(folder, 'no-folder'), '');
  const unwritable = open('no-folder/ledger');
  await expect(unwritable.append([record()])).rejects.toThrow(LedgerNotWritable);
  expect(await inRedis()).toHaveLength(1);
});
