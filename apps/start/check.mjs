/**
 * `npm run check`: all that must hold of the sources, beside the tests. Tests wait now and then; what looks
 * at the sources takes the time in between, and what it says is shown when it has ended.
 */
import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { npm } from './run-step.mjs';

const OF_SOURCES = ['format:check', 'typecheck', 'lint'];

const running = new Set();
process.on('SIGTERM', () => running.forEach((child) => child.kill('SIGTERM')));
// A terminal's Ctrl-C reaches the children by itself: their end is waited for.
process.on('SIGINT', () => undefined);

const failed = (await Promise.all([failedOfSources(), failedOf('test:all', runHere)])).flat();
for (const step of failed) console.error(`check: the step ${step} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;

async function failedOfSources() {
  const failed = [];
  for (const step of OF_SOURCES) failed.push(...(await failedOf(step, runQuietly)));
  return failed;
}

async function failedOf(step, run) {
  return (await run(step)) ? [] : [step];
}

function runQuietly(step) {
  const child = start(step, ['ignore', 'pipe', 'pipe']);
  if (child.pid) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  const said = [];
  child.stdout.on('data', (chunk) => said.push(chunk));
  child.stderr.on('data', (chunk) => said.push(chunk));
  return hasSucceeded(child).finally(() => process.stdout.write(Buffer.concat(said)));
}

function runHere(step) {
  return hasSucceeded(start(step, 'inherit'));
}

function start(step, stdio) {
  const [command, ...args] = npm('run', step);
  const child = spawn(command, args, { stdio });
  running.add(child);
  return child;
}

function hasSucceeded(child) {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      running.delete(child);
      resolve(status === 0);
    });
  });
}
