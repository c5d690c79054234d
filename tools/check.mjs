/**
 * `npm run check`: all that must hold of the sources, and the tests of what is built from them. What
 * does not depend on each other goes side by side, and what it says is shown when it has ended.
 */
import { spawn } from 'node:child_process';
import { npm } from './run-step.mjs';

/** Two lists that take about as long as each other; the steps of each go one after the other. */
const SIDE_BY_SIDE = [['lint'], ['format:check', 'typecheck']];

const running = new Set();
process.on('SIGTERM', () => running.forEach((child) => child.kill('SIGTERM')));
// A terminal's Ctrl-C reaches the children by itself: their end is waited for.
process.on('SIGINT', () => undefined);

const failed = await failedOf(SIDE_BY_SIDE, runQuietly);
if (failed.length === 0) failed.push(...(await failedOf([['test:all']], runHere)));
for (const step of failed) console.error(`check: the step ${step} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;

/** @returns the steps that failed, of each list the first */
async function failedOf(lists, run) {
  const failed = await Promise.all(lists.map((steps) => firstToFail(steps, run)));
  return failed.filter((step) => step !== undefined);
}

async function firstToFail(steps, run) {
  for (const step of steps) {
    if (!(await run(step))) return step;
  }
  return undefined;
}

function runQuietly(step) {
  const child = start(step, ['ignore', 'pipe', 'pipe']);
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
