import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { acquireLock } from './lock.js';

const CONTENDERS = 8;
/** No process has this pid with this start time. */
const STALE = '1 never\n';

let dataDir: string;
let sleepers: ChildProcess[];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'muster-lock-'));
  sleepers = Array.from({ length: CONTENDERS }, () => spawn('sleep', ['600']));
  await Promise.all(sleepers.map((sleeper) => once(sleeper, 'spawn')));
});

afterAll(async () => {
  for (const sleeper of sleepers) sleeper.kill('SIGKILL');
  await rm(dataDir, { recursive: true });
});

/** The contenders must not run in lockstep: then all would find the lock stale before one takes it. */
async function acquireSoon(pid: number) {
  await sleep(Math.random() * 4);
  return acquireLock(dataDir, pid);
}

const pids = () => sleepers.map(({ pid }) => pid!);

test('one of several concurrent starts takes over a stale lock, and the others name it', async () => {
  for (let round = 0; round < 20; round += 1) {
    await writeFile(join(dataDir, 'muster.pid'), STALE);
    // Left by a process that was killed while it removed a stale lock.
    if (round % 2) await writeFile(join(dataDir, 'muster.pid.removal'), STALE);
    const attempts = await Promise.allSettled(pids().map(acquireSoon));
    const winners = attempts.flatMap((it, i) => (it.status === 'fulfilled' ? pids()[i] : []));
    expect(winners, `round ${round}`).toHaveLength(1);
    for (const attempt of attempts) {
      if (attempt.status === 'fulfilled') await attempt.value();
      else
        expect(attempt.reason).toMatchObject({
          message: expect.stringContaining(`(process ${winners[0]})`),
        });
    }
    expect(await readdir(dataDir)).toEqual([]);
  }
});

test('a lock is released only by the process that holds it', async () => {
  const [first = 0, second = 0] = pids();
  const releaseFirst = await acquireLock(dataDir, first);
  await rm(join(dataDir, 'muster.pid'));
  const releaseSecond = await acquireLock(dataDir, second);
  await releaseFirst();
  await expect(acquireLock(dataDir, first)).rejects.toThrow(`(process ${second})`);
  await releaseSecond();
  expect(await readdir(dataDir)).toEqual([]);
});
