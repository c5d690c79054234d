import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { env } from 'node:process';

/** A reason to stop here that a person can understand and mend; its message is all they see. */
export class CannotStart extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Says what is done and why, and does it in this terminal.
 *
 * @throws CannotStart when it fails or a signal ends it
 */
export async function runStep(why, [command, ...args]) {
  console.log(`${why}: ${[command, ...args].join(' ')}`);
  const { status, signal } = await run(command, args);
  if (signal) throw new CannotStart(`Stopped.`, 128 + constants.signals[signal]);
  if (status !== 0) throw new CannotStart(`\`${[command, ...args].join(' ')}\` failed.`);
}

/** npm, which may not be on the PATH when npm itself has started us. */
export function npm(...args) {
  const { npm_execpath: path } = env;
  return path?.endsWith('.js') ? [process.execPath, path, ...args] : ['npm', ...args];
}

function run(command, args) {
  const child = spawn(command, args, { stdio: 'inherit' });
  // A Ctrl-C reaches the child from the terminal; a SIGTERM is for us to pass on.
  let told;
  const passOn = (signal) => {
    told = signal;
    child.kill(signal);
  };
  process.on('SIGTERM', passOn).on('SIGINT', passOn);
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new CannotStart(`${command}: ${error.message}`)));
    child.on('exit', (status, signal) => resolve({ status, signal: signal ?? told }));
  }).finally(() => process.off('SIGTERM', passOn).off('SIGINT', passOn));
}
