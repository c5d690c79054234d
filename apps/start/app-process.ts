import { fork, type ChildProcess } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartupError } from '#platform';
import { readSince, rotateLog, writePidFile, type StopSignal } from '#devservers';
import { followErrors } from './log-errors.js';

/** For processes that an earlier start left running. Processes of this start use `stopTimeoutMs`. */
export const APP_STOP_SIGNALS: readonly StopSignal[] = [
  ['SIGTERM', 30_000],
  ['SIGKILL', 2000],
];

const READY_TIMEOUT_MS = 60_000;
/** A process that ran for this long before it exited is restarted without backoff. */
const STABLE_AFTER_MS = 60_000;
const MAX_BACKOFF_MS = 30_000;

export interface AppOptions {
  name: string;
  script: URL;
  /** Read again at each restart. */
  env: Record<string, string>;
  logFile: string;
  pidFile: string;
  stopTimeoutMs: number;
  say: (line: string) => void;
}

/** The message that a process sends once it is ready. */
export interface Ready {
  port?: number;
  metricsPort?: number;
  healthPort?: number;
}

/** Starts one of Muster's processes, restarts it when it exits, and stops it. */
export class AppProcess {
  private readonly stopping = new AbortController();
  private child: ChildProcess | undefined;
  /** Resolves with the reason when the child has exited. */
  private ended = Promise.resolve('');

  constructor(private readonly options: AppOptions) {}

  /**
   * Starts the process, and restarts it whenever it exits.
   *
   * @returns once it is ready
   * @throws StartupError with the process' own message if it exits before that
   */
  async start(): Promise<Ready> {
    const { name, logFile } = this.options;
    const logStart = await rotateLog(logFile);
    const ready = await this.launch().catch(async (cause: unknown) => {
      const message = lastMessage(await readSince(logFile, logStart));
      throw new StartupError(message || `${name} did not start; see ${logFile}.`, { cause });
    });
    const unfollow = await followErrors(this.options);
    this.stopping.signal.addEventListener('abort', unfollow);
    void this.keepRunning();
    return ready;
  }

  /** Stops the process, even while it is starting, and waits until it has exited. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.child?.kill('SIGTERM');
    // The process enforces `stopTimeoutMs` itself; this is for one that hangs.
    const limit = setTimeout(() => this.child?.kill('SIGKILL'), this.options.stopTimeoutMs + 2000);
    await this.ended;
    clearTimeout(limit);
    await rm(this.options.pidFile, { force: true });
  }

  private async launch(): Promise<Ready> {
    const { name, logFile } = this.options;
    const log = await open(logFile, 'a');
    let first: Promise<Ready | string>;
    try {
      this.stopping.signal.throwIfAborted();
      first = this.spawn(log.fd);
    } finally {
      await log.close();
    }
    await writePidFile(this.options.pidFile, this.child?.pid ?? 0);
    const limit = setTimeout(() => this.child?.kill('SIGKILL'), READY_TIMEOUT_MS);
    const ready = await first;
    clearTimeout(limit);
    if (typeof ready === 'string') throw new Error(`${name} exited before it was ready (${ready})`);
    return ready;
  }

  /** @returns the ready message, or the reason why the process exited before it */
  private spawn(log: number): Promise<Ready | string> {
    const { script, env } = this.options;
    // A separate session, so that Ctrl-C reaches only this process, which stops the others in order. A log file
    // instead of a pipe, so that the process can finish its work if this one is killed.
    const child = fork(script, {
      env,
      execArgv: [],
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    });
    this.child = child;
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
      child.once('error', (error) => resolve(error.message));
    });
    const ready = new Promise<Ready>((resolve) => child.once('message', resolve));
    return Promise.race([ready, this.ended]);
  }

  private async keepRunning() {
    const { name, logFile, say } = this.options;
    for (let restarts = 0; ; restarts += 1) {
      const since = Date.now();
      const reason = await this.ended;
      if (Date.now() - since > STABLE_AFTER_MS) restarts = 0;
      const pauseMs = Math.min(500 * 2 ** restarts, MAX_BACKOFF_MS);
      const { signal } = this.stopping;
      if (signal.aborted) return;
      say(`${name} exited (${reason}); restarting in ${pauseMs / 1000} s. See ${logFile}`);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      await this.launch().then(
        () => say(`${name} is running again.`),
        () => undefined,
      );
    }
  }
}

/** The plain text that a process printed before it failed to start, or its last log line. */
function lastMessage(log: string): string {
  const lines = log.trim().split('\n');
  const plain = lines.filter((line) => !line.startsWith('{'));
  return (plain.length > 0 ? plain : lines.slice(-1)).slice(-20).join('\n');
}
