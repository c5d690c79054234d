import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { inject } from 'vitest';
import type { DestinationStream, Environment, Running } from '#platform';

export type AppName = 'admin' | 'ingest' | 'worker';

interface Ready {
  port?: number;
  healthPort?: number;
  metricsPort?: number;
}

/** An app of the build, with its own environment. */
export interface App {
  /** The ports that it listens on. */
  readonly ready: Ready;
  /** All lines that it has logged. */
  readonly log: string;
  /** Starts it, also after `stop`, at the same port. @throws if it does not start */
  start(): Promise<this>;
  /** Stops it and waits until it has stopped. */
  stop(): Promise<unknown>;
}

export type AppClass<A extends App> = new (name: AppName, env: Record<string, string>) => A;

/** What the main.ts of each app exports. */
type Start = (env: Environment, output: DestinationStream) => Promise<Running>;

/** An app in the process of the test, which saves the second that a process takes to start. */
export class InProcessApp implements App {
  ready: Ready = {};
  log = '';
  private running: Promise<Running> | undefined;

  constructor(
    private readonly name: AppName,
    private readonly env: Record<string, string>,
  ) {}

  async start(): Promise<this> {
    const output = { write: (line: string) => void (this.log += line) };
    this.running = load(this.name).then((start) => start(this.env, output));
    const { ready } = await this.running;
    this.ready = ready as Ready;
    keepPort(this.name, this.env, this.ready);
    return this;
  }

  async stop(): Promise<void> {
    const { running } = this;
    this.running = undefined;
    await running?.then(
      (started) => started.stop(),
      () => undefined, // `start` has thrown
    );
  }
}

async function load(name: AppName): Promise<Start> {
  checkBuild();
  const bundle = resolve('dist/bundles', `${name}.main.js`);
  const [start] = Object.values((await import(bundle)) as Record<string, Start>);
  return start!;
}

/** An app in its own process, for tests that kill, signal or measure it, or set its clock. */
export class SpawnedApp implements App {
  ready: Ready = {};
  /** All that it has written to stdout and stderr. */
  log = '';
  private child: ChildProcess | undefined;

  constructor(
    private readonly name: AppName,
    private readonly env: Record<string, string>,
  ) {}

  /** Starts it, also after `stop` or `kill`. @throws with its output if it does not start */
  async start(): Promise<this> {
    checkBuild();
    const child = fork(resolve('dist/bundles', `${this.name}.js`), {
      env: { PATH: process.env.PATH, ...this.env },
      execArgv: [],
      silent: true,
    });
    this.child = child;
    child.stdout?.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
    const ready = once(child, 'message').then(([message]) => message as Ready);
    const ended = once(child, 'close').then(() => undefined);
    const first = await Promise.race([ready, ended]);
    if (!first) throw new Error(`${this.name} did not start:\n${this.log}`);
    this.ready = first;
    keepPort(this.name, this.env, first);
    return this;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Stops it and waits for its exit. @returns its exit code, or null after a signal */
  stop = () => this.end('SIGTERM');

  /** Kills it, like a power cut. */
  kill = () => this.end('SIGKILL');

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this;
    if (!child) return null;
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGCONT');
      child.kill(signal);
      await exited;
    }
    return child.exitCode;
  }
}

function checkBuild(): void {
  if (!inject('services').isBuilt) throw new Error('The build failed, so nothing can be started');
}

/** Clients find an app at the same port after a restart. */
function keepPort(name: AppName, env: Record<string, string>, { port }: Ready): void {
  if (port) env[`${name.toUpperCase()}_PORT`] = String(port);
}
