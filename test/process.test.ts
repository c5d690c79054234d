import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** A process started by `runProcess`. Its first argument selects its behaviour. */
const SCRIPT = `
  import { runProcess, StartupError } from '#platform';
  const [behaviour] = process.argv.slice(2);
  runProcess(async (starting) => {
    if (behaviour === 'refuse') throw new StartupError('It needs a thing.');
    if (behaviour === 'break') throw new Error('oops');
    console.log('starting');
    const work = setInterval(() => undefined, 1000);
    if (behaviour === 'dawdle') {
      await new Promise((_, reject) => starting.addEventListener('abort', () => reject(new Error('aborted'))));
    }
    if (behaviour === 'reject') void Promise.reject(new Error('later'));
    if (!process.send) console.log('ready');
    return {
      ready: { port: 42 },
      async stop() {
        console.log('stopping');
        if (behaviour === 'hang') await new Promise(() => undefined);
        clearInterval(work);
      },
    };
  }, { name: 'thing', stopTimeoutMs: 1500 });
`;

let dir: string;
let script: string;

beforeAll(async () => {
  // Inside the project, so that #platform resolves to the build.
  dir = await mkdtemp(join('dist', 'process-test-'));
  script = join(dir, 'thing.mjs');
  await writeFile(script, SCRIPT);
});

afterAll(() => rm(dir, { recursive: true }));

test('a process that cannot start prints one sentence to stderr', async () => {
  const thing = run('refuse');
  expect(await thing.ended).toBe(1);
  expect(thing.output()).toBe('It needs a thing.\n');
});

test.each([
  ['break', 'oops'],
  ['reject', 'later'],
])('an unexpected error (%s) is logged and ends the process', async (behaviour, message) => {
  const thing = run(behaviour);
  expect(await thing.ended).toBe(1);
  const last = thing.output().trim().split('\n').at(-1) ?? '';
  expect(JSON.parse(last)).toMatchObject({ level: 'fatal', name: 'thing', err: { message } });
});

test('a Ctrl-C that arrives twice stops the process once, after its work', async () => {
  const thing = run('work');
  await thing.saying('ready');
  thing.child.kill('SIGINT');
  thing.child.kill('SIGINT');
  expect(await thing.ended).toBe(0);
  expect(thing.output()).toBe('starting\nready\nstopping\n');
});

test('a signal during startup aborts it', async () => {
  const thing = run('dawdle');
  await thing.saying('starting');
  thing.child.kill('SIGTERM');
  expect(await thing.ended).toBe(0);
  expect(thing.output()).toBe('starting\n');
});

test('a process that does not stop in time is terminated', async () => {
  const thing = run('hang');
  await thing.saying('ready');
  thing.child.kill('SIGTERM');
  expect(await thing.ended).toBe(1);
  expect(thing.output()).toContain('thing did not stop within 1500 ms and is ended.\n');
});

test('a second signal terminates a stopping process immediately', async () => {
  const thing = run('hang');
  await thing.saying('ready');
  thing.child.kill('SIGTERM');
  await thing.saying('stopping');
  await sleep(600);
  thing.child.kill('SIGTERM');
  expect(await thing.ended).toBe(1);
  expect(thing.output()).toBe('starting\nready\nstopping\n');
});

test('a process reports to its parent when it is ready, and stops when the parent is gone', async () => {
  const thing = watch(fork(script, ['work'], { silent: true, execArgv: [] }));
  const [message] = await once(thing.child, 'message');
  expect(message).toEqual({ ready: true, port: 42 });
  thing.child.disconnect();
  expect(await thing.ended).toBe(0);
  expect(thing.output()).toBe('starting\nstopping\n');
});

const run = (behaviour: string) => watch(spawn(process.execPath, [script, behaviour]));

function watch(child: ChildProcess) {
  let output = '';
  const collect = (chunk: Buffer) => (output += chunk.toString());
  child.stdout!.on('data', collect);
  child.stderr!.on('data', collect);
  const streams = [child.stdout!, child.stderr!].map((stream) => once(stream, 'close'));
  const ended = once(child, 'exit').then(async ([code, signal]) => {
    await Promise.all(streams);
    return (code ?? signal) as number | string;
  });
  return {
    child,
    ended,
    output: () => output,
    async saying(text: string) {
      while (!output.includes(text)) await once(child.stdout!, 'data');
    },
  };
}
