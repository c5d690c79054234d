import { fork, type ChildProcess } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartupError } from '#platform';
import { addedSince, rotate, rememberProcess, type Ending } from '#devservers';
import { followTroubles } from './log-errors.js';

/** For one that was left over: it has a time of its own to finish its work, which can be set. */
export const APP_ENDING: readonly Ending[] = [
  ['SIGTERM', 30_000],
  ['SIGKILL', 2000],
];

const READY_LIMIT_MS = 60_000;
/** A death after this long is the first of its kind again, not one more in a row. */
const STEADY_MS = 60_000;
const LONGEST_PAUSE_MS = 30_000;

export interface AppOptions {
  name: string;
  script: URL;
  /** Looked at again whenever the process has to be started again. */
  env: Record<string, string>;
  logFile: string;
  pidFile: string;
  /** How long it may take to stop. */
  stopTimeoutMs: number;
  say: (line: string) => void;
}

/** What a process says of itself once it is ready. */
export interface Ready {
  port?: number;
}

/** One of our own processes: started, started again when it dies, and stopped. */
export class AppProcess {
  private readonly stopping = new AbortController();
  private child: ChildProcess | undefined;
  /** Resolves with the reason when the child has ended. */
  private ended = Promise.resolve('');

  constructor(private readonly options: AppOptions) {}

  /**
   * Starts the process and keeps it running from then on.
   *
   * @returns once it is ready
   * @throws StartupError with its own words when it ends before that
   */
  async start(): Promise<Ready> {
    const { name, logFile } = this.options;
    const logStart = await rotate(logFile);
    const ready = await this.launch().catch(async (cause: unknown) => {
      const words = lastWords(await addedSince(logFile, logStart));
      throw new StartupError(words || `${name} did not start; see ${logFile}.`, { cause });
    });
    const unfollow = await followTroubles(this.options);
    this.stopping.signal.addEventListener('abort', unfollow);
    void this.keepRunning();
    return ready;
  }

  /** Tells the process to stop, also one that is still starting, and waits until it has. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.child?.kill('SIGTERM');
    // It ends itself when its own time is over; this is for one that can't even do that.
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
    await rememberProcess(this.options.pidFile, this.child?.pid ?? 0);
    const limit = setTimeout(() => this.child?.kill('SIGKILL'), READY_LIMIT_MS);
    const ready = await first;
    clearTimeout(limit);
    if (typeof ready === 'string') throw new Error(`${name} ended before it was ready (${ready})`);
    return ready;
  }

  /** What comes first of the new process: that it is ready, or the reason why it ended. */
  private spawn(log: number): Promise<Ready | string> {
    const { script, env } = this.options;
    // A session of its own: a Ctrl-C in the terminal is for us, who stop them in their order. And
    // a log of its own, not a pipe to us, so that it can finish its work when we are killed.
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
    for (let inARow = 0; ; inARow += 1) {
      const since = Date.now();
      const reason = await this.ended;
      if (Date.now() - since > STEADY_MS) inARow = 0;
      const pauseMs = Math.min(500 * 2 ** inARow, LONGEST_PAUSE_MS);
      const { signal } = this.stopping;
      if (signal.aborted) return;
      say(`${name} ended (${reason}); it is started again in ${pauseMs / 1000} s. See ${logFile}`);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      await this.launch().then(
        () => say(`${name} is running again.`),
        () => undefined,
      );
    }
  }
}

/** What a process that could not start has said to people, or else logged last. */
function lastWords(log: string): string {
  const lines = log.trim().split('\n');
  const plain = lines.filter((line) => !line.startsWith('{'));
  return (plain.length > 0 ? plain : lines.slice(-1)).slice(-20).join('\n');
}
