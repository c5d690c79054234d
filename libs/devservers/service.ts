import { spawn } from 'node:child_process';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readIfThere } from './private-file.js';
import { markOf, runningPid } from './process-mark.js';

/** A server program of somebody else's that we run, such as Postgres. */
export interface Service {
  readonly pid: number;
  /** Resolves when the program has ended, for whatever reason. */
  readonly ended: Promise<void>;
  hasEnded(): boolean;
  stop(): Promise<void>;
}

export interface Program {
  command: string;
  args: string[];
  /** Where the program is remembered while it runs, so that a later start can find an orphan. */
  pidFile: string;
  logFile: string;
  /** Our own environment when left out. */
  env?: Record<string, string>;
  uid?: number;
  gid?: number;
  /** Signals that end the program, from the kindest to SIGKILL, each with a time for it to work. */
  ending: readonly Ending[];
}

export type Ending = readonly [signal: NodeJS.Signals, waitMs: number];

/**
 * Starts a program in a session of its own: a Ctrl-C in the terminal must not reach a database
 * before the processes that write to it. It logs to a file and not through us, so that it survives
 * our sudden death whole.
 *
 * @throws the error of `spawn`, such as ENOENT
 */
export async function startService(program: Program): Promise<Service> {
  const log = await open(program.logFile, 'a');
  const child = spawn(program.command, program.args, {
    detached: true,
    cwd: '/',
    stdio: ['ignore', log.fd, log.fd],
    ...(program.env && { env: program.env }),
    ...(program.uid === undefined ? {} : { uid: program.uid, gid: program.gid }),
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const spawned = new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  await spawned.finally(() => log.close());
  const pid = child.pid ?? 0;
  await rememberProcess(program.pidFile, pid);
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const stop = async () => {
    if (!hasEnded()) await endProcess(pid, program.ending, ended);
    await rm(program.pidFile, { force: true });
  };
  return { pid, ended, hasEnded, stop };
}

/** Keeps a process in mind for `stopOrphan`. */
export async function rememberProcess(pidFile: string, pid: number): Promise<void> {
  await mkdir(dirname(pidFile), { recursive: true });
  await writeFile(pidFile, (await markOf(pid)) ?? '');
}

/** Ends the program that a former start left running when it was killed itself, if there is one. */
export async function stopOrphan(pidFile: string, ending: readonly Ending[]): Promise<boolean> {
  const mark = await readIfThere(pidFile);
  const pid = await runningPid(mark);
  if (pid !== undefined) {
    const ended = async () => {
      while (await runningPid(mark)) await sleep(50);
    };
    await endProcess(pid, ending, ended());
  }
  await rm(pidFile, { force: true });
  return pid !== undefined;
}

async function endProcess(pid: number, ending: readonly Ending[], ended: Promise<void>) {
  for (const [signal, waitMs] of ending) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
      throw error;
    }
    if (await isSettledWithin(waitMs, ended)) return;
  }
}

async function isSettledWithin(limitMs: number, promise: Promise<void>): Promise<boolean> {
  const waiting = new AbortController();
  const limit = sleep(limitMs, false, waiting).catch(() => false);
  const isSettled = await Promise.race([promise.then(() => true), limit]);
  waiting.abort();
  return isSettled;
}
