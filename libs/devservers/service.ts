import { spawn } from 'node:child_process';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readIfExists } from './private-file.js';
import { markOf, runningPid } from './process-mark.js';

/** A running third-party server, such as Postgres. */
export interface Service {
  readonly pid: number;
  /** Resolves when the program has exited, for any reason. */
  readonly ended: Promise<void>;
  hasEnded(): boolean;
  stop(): Promise<void>;
}

export interface Program {
  command: string;
  args: string[];
  /** Identifies the running process, so that a later start can find an orphan. */
  pidFile: string;
  logFile: string;
  /** Default: the environment of this process. */
  env?: Record<string, string>;
  uid?: number;
  gid?: number;
  /** Signals that stop the program, from the gentlest to SIGKILL, each with the time to wait for it. */
  stopSignals: readonly StopSignal[];
}

export type StopSignal = readonly [signal: NodeJS.Signals, waitMs: number];

/**
 * Starts a program in a separate session, so that Ctrl-C does not reach a database before the processes that write
 * to it. It logs to a file instead of a pipe, so that it keeps working if this process is killed.
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
  await writePidFile(program.pidFile, pid);
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const stop = async () => {
    if (!hasEnded()) await stopProcess(pid, program.stopSignals, ended);
    await rm(program.pidFile, { force: true });
  };
  return { pid, ended, hasEnded, stop };
}

/** Writes a pid file for `stopOrphan`. */
export async function writePidFile(pidFile: string, pid: number): Promise<void> {
  await mkdir(dirname(pidFile), { recursive: true });
  await writeFile(pidFile, (await markOf(pid)) ?? '');
}

/** Stops the program that an earlier start left running because it was killed. @returns whether it was running */
export async function stopOrphan(
  pidFile: string,
  stopSignals: readonly StopSignal[],
): Promise<boolean> {
  const mark = await readIfExists(pidFile);
  const pid = await runningPid(mark);
  if (pid !== undefined) {
    const ended = async () => {
      while (await runningPid(mark)) await sleep(50);
    };
    await stopProcess(pid, stopSignals, ended());
  }
  await rm(pidFile, { force: true });
  return pid !== undefined;
}

async function stopProcess(pid: number, stopSignals: readonly StopSignal[], ended: Promise<void>) {
  for (const [signal, waitMs] of stopSignals) {
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
