/**
 * `npm run check`: static checks, then all tests. Independent static checks run in parallel; the output of each is
 * printed when it has finished.
 */
import { spawn } from 'node:child_process';
import { npm } from './run-step.mjs';

/** The lists run in parallel, and the steps of each in sequence. Both lists take about the same time. */
const STATIC_CHECKS = [
  ['lint:code'],
  ['format:check', 'typecheck', 'lint:schema', 'lint:text', 'lint:dead'],
];

const running = new Set();
process.on('SIGTERM', () => running.forEach((child) => child.kill('SIGTERM')));
// The terminal sends Ctrl-C to the children as well; this process waits for them.
process.on('SIGINT', () => undefined);

const failed = await findFailures(STATIC_CHECKS, runBuffered);
if (failed.length === 0) failed.push(...(await findFailures([['test:all']], runAttached)));
for (const step of failed) console.error(`check: ${step} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;

/** @returns the first failed step of each list */
async function findFailures(lists, run) {
  const failed = await Promise.all(lists.map((steps) => findFirstFailure(steps, run)));
  return failed.filter((step) => step !== undefined);
}

async function findFirstFailure(steps, run) {
  for (const step of steps) {
    if (!(await run(step))) return step;
  }
  return undefined;
}

function runBuffered(step) {
  const child = start(step, ['ignore', 'pipe', 'pipe']);
  const output = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => output.push(chunk));
  return waitForSuccess(child).finally(() => process.stdout.write(Buffer.concat(output)));
}

function runAttached(step) {
  return waitForSuccess(start(step, 'inherit'));
}

function start(step, stdio) {
  const [command, ...args] = npm('run', step);
  const child = spawn(command, args, { stdio });
  running.add(child);
  return child;
}

function waitForSuccess(child) {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      running.delete(child);
      resolve(status === 0);
    });
  });
}
