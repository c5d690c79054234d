import { fork, type ChildProcess } from 'node:child_process';
import type { Teardown } from '#devservers';
import type { Order, Outcome } from './generator.js';

/** Sends events from a separate process, so that sending does not slow what is measured. */
export class Sender {
  readonly #generator: ChildProcess;
  readonly #stopping: AbortSignal;

  constructor(teardown: Teardown, stopping: AbortSignal) {
    this.#stopping = stopping;
    // In a separate process group, so that Ctrl-C in the terminal reaches only this process.
    this.#generator = fork(new URL('generator.js', import.meta.url), { detached: true });
    const abort = () => this.#generator.kill('SIGKILL');
    stopping.addEventListener('abort', abort);
    teardown.add(() => Promise.resolve(void abort()));
  }

  /** Sends for a while, as fast as responses arrive. @throws Error if an event is not accepted */
  async send(order: Order): Promise<Outcome> {
    const generator = this.#generator;
    const answer = await new Promise<Outcome | { error: string }>((resolve, reject) => {
      const onExit = () => reject(new Error('The generator exited.'));
      generator.once('exit', onExit);
      generator.once('message', (message) => {
        generator.off('exit', onExit);
        resolve(message as Outcome);
      });
      generator.send(order);
    });
    this.#stopping.throwIfAborted();
    if ('error' in answer) throw new Error(answer.error);
    return answer;
  }
}
