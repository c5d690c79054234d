import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { env } from 'node:process';

/** An error that the operator can fix. Only its message is printed. */
export class CannotStart extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Prints a command with its purpose, and runs it in this terminal.
 *
 * @throws CannotStart if it fails or a signal ends it
 */
export async function runStep(purpose, [command, ...args]) {
  console.log(`${purpose}: ${[command, ...args].join(' ')}`);
  const { status, signal } = await run(command, args);
  if (signal) throw new CannotStart(`Stopped.`, 128 + constants.signals[signal]);
  if (status !== 0) throw new CannotStart(`\`${[command, ...args].join(' ')}\` failed.`);
}

/** The command line of npm, which may not be on the PATH if npm started this process. */
export function npm(...args) {
  const { npm_execpath: path } = env;
  return path?.endsWith('.js') ? [process.execPath, path, ...args] : ['npm', ...args];
}

function run(command, args) {
  const child = spawn(command, args, { stdio: 'inherit' });
  // The terminal sends Ctrl-C to the child as well, but SIGTERM must be forwarded.
  let forwarded;
  const forward = (signal) => {
    forwarded = signal;
    child.kill(signal);
  };
  process.on('SIGTERM', forward).on('SIGINT', forward);
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new CannotStart(`${command}: ${error.message}`)));
    child.on('exit', (status, signal) => resolve({ status, signal: signal ?? forwarded }));
  }).finally(() => process.off('SIGTERM', forward).off('SIGINT', forward));
}
