import { isatty } from 'node:tty';
import { createLogger } from './logging.js';
import { stopTimeoutMs } from './settings.js';
import { StartupError } from './startup-error.js';

/**
 * One Ctrl-C reaches a process several times: from the terminal, and again from npm, its parent. Only a signal after
 * this time is a second request to stop.
 */
const SAME_SIGNAL_MS = 500;

export interface Running {
  /** Information for the parent process, such as the port. */
  ready?: object;
  /** Finishes running work and releases all resources. Called once. */
  stop(): Promise<void>;
}

/**
 * Runs a process from its start to its exit; the only caller of `process.exit`.
 *
 * - Started: sends `{ ready: true, ...running.ready }` to the parent, if there is one.
 * - SIGTERM, SIGINT, SIGHUP of its terminal, or the parent's death: aborts the start or calls
 *   `stop`, and exits with 0, or with 1 if that takes longer than STOP_TIMEOUT_MS. A second signal
 *   exits at once.
 * - StartupError: prints its message to stderr and exits with 1. Any other error, even an uncaught
 *   one, is logged, and the exit code is 1.
 *
 * @param main starts the process; `starting` is aborted by a signal that arrives during the start
 */
export function runProcess(
  main: (starting: AbortSignal) => Promise<Running>,
  options: { name?: string; stopTimeoutMs?: number } = {},
): void {
  const name = options.name ?? 'muster';
  const starting = new AbortController();
  const fail = (error: unknown) => exitFailed(name, error);
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);

  const started = Promise.resolve().then(() => main(starting.signal));
  started.then(
    ({ ready }) => {
      if (!starting.signal.aborted && process.connected) process.send?.({ ready: true, ...ready });
    },
    (error: unknown) => {
      if (!starting.signal.aborted) fail(error);
    },
  );

  onStop(() => {
    starting.abort();
    const limitMs = options.stopTimeoutMs ?? stopTimeoutMs();
    setTimeout(() => {
      process.stderr.write(`${name} did not stop within ${limitMs} ms and is ended.\n`);
      process.exit(1);
    }, limitMs);
    // A start that was stopped may fail because of that, which needs no report.
    const stopped = started.then(
      (running) => running.stop(),
      () => undefined,
    );
    stopped.then(() => process.exit(0), fail);
  });
}

function onStop(stop: () => void) {
  let isStopping = false;
  let signalledAt: number | undefined;
  const stopOnce = () => {
    if (!isStopping) stop();
    isStopping = true;
  };
  const onSignal = () => {
    signalledAt ??= performance.now();
    if (performance.now() - signalledAt > SAME_SIGNAL_MS) process.exit(1);
    stopOnce();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  // Without a terminal, SIGHUP keeps its default, or stays ignored as nohup has set it.
  if (isatty(0)) process.on('SIGHUP', onSignal);
  if (process.channel) process.on('disconnect', stopOnce);
}

function exitFailed(name: string, error: unknown): never {
  if (error instanceof StartupError) process.stderr.write(`${error.message}\n`);
  else createLogger({ name }).fatal({ err: error }, 'the process ends');
  process.exit(1);
}
