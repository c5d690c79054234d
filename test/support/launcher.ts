import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runningPid } from '#devservers';
import type { Endpoints } from '../../apps/start/endpoints.js';

const MAIN = 'dist/apps/start/main.js';

/** `npm start` after its preparations, in its own data folder. */
export class Launcher {
  output = '';
  private readonly child: ChildProcess;
  /** Resolves with its exit code, or the signal that terminated it. */
  readonly ended: Promise<number | string>;

  constructor(
    readonly dataDir: string,
    env: Record<string, string> = {},
    script = [MAIN],
  ) {
    this.child = spawn(process.execPath, script, {
      env: { PATH: process.env.PATH, INGEST_PORT: '0', ADMIN_PORT: '0', DATA_DIR: dataDir, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.ended = once(this.child, 'close').then(([code, signal]) => (code ?? signal) as number);
  }

  /** @throws with its output if it exits instead */
  async ready(): Promise<Endpoints> {
    await this.saying('Ctrl-C stops it all.');
    return JSON.parse(await readFile(join(this.dataDir, 'endpoints.json'), 'utf8')) as Endpoints;
  }

  /** Waits until its output contains a text. */
  async saying(text: string): Promise<void> {
    while (!this.output.includes(text)) {
      const said = once(this.child.stdout!, 'data').then(() => true);
      const isRunning = await Promise.race([said, this.ended.then(() => false)]);
      if (!isRunning && !this.output.includes(text))
        throw new Error(`npm start exited:\n${this.output}`);
    }
  }

  /** The line of its output that starts with a word. */
  line(word: string): string {
    const found = this.output.split('\n').find((line) => line.trim().startsWith(word));
    if (!found) throw new Error(`no line starts with ${word}:\n${this.output}`);
    return found.trim();
  }

  async signal(signal: NodeJS.Signals): Promise<number | string> {
    this.child.kill(signal);
    return this.ended;
  }
}

/**
 * The marks of the processes of a data folder, by name: `ingest`, `worker-1`, `redis`, `postgres`.
 */
export async function marksIn(dataDir: string): Promise<Map<string, string>> {
  const marks = new Map<string, string>();
  const runDir = join(dataDir, 'run');
  for (const file of existsSync(runDir) ? await readdir(runDir) : []) {
    marks.set(file.replace('.pid', ''), await readFile(join(runDir, file), 'utf8'));
  }
  return marks;
}

/** The marked processes that are still running. */
export async function stillRunning(marks: Map<string, string>): Promise<string[]> {
  const names: string[] = [];
  for (const [name, mark] of marks) {
    if ((await runningPid(mark)) !== undefined) names.push(name);
  }
  return names;
}
