import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { inject } from 'vitest';

/** One of our built processes, with its own environment. */
export class App {
  private child: ChildProcess | undefined;
  private output = '';
  /** The message that the process sent when it was ready. */
  ready: { port?: number; healthPort?: number; metricsPort?: number } = {};

  constructor(
    private readonly name: 'admin' | 'ingest' | 'worker',
    private readonly env: Record<string, string>,
  ) {}

  /** Starts it, also after `stop` or `kill`. @throws with its output if it does not start */
  async start(): Promise<this> {
    if (!inject('services').isBuilt) throw new Error('The build failed, so nothing can be started');
    const child = fork(resolve('dist/bundles', `${this.name}.js`), {
      env: { PATH: process.env.PATH, ...this.env },
      execArgv: [],
      silent: true,
    });
    this.child = child;
    child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    const ready = once(child, 'message').then(([message]) => message as App['ready']);
    const ended = once(child, 'close').then(() => undefined);
    const first = await Promise.race([ready, ended]);
    if (!first) throw new Error(`${this.name} did not start:\n${this.output}`);
    this.ready = first;
    // Clients find it at the same port after a restart.
    if (first.port) this.env[`${this.name.toUpperCase()}_PORT`] = String(first.port);
    return this;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** All that it has written to stdout and stderr. */
  get log(): string {
    return this.output;
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
