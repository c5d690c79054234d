import { fork, type ChildProcess } from 'node:child_process';
import type { Teardown } from '#devservers';
import type { ErasureStack } from './erasure-stack.js';
import type { Order, Outcome } from './generator.js';

const CONNECTIONS = 32;
const SLICE_MS = 1000;
const INSTALLATIONS = 1000;

/** Sends events to an ingest, at a rate that leaves capacity for other work. */
export class SteadyLoad {
  readonly #stack: ErasureStack;
  readonly #generator: ChildProcess;
  #isOn = false;
  #sending: Promise<void> = Promise.resolve();
  #rates: number[] = [];

  constructor(stack: ErasureStack, teardown: Teardown) {
    this.#stack = stack;
    // In a separate process group, so that Ctrl-C in the terminal reaches only this process.
    this.#generator = fork(new URL('generator.js', import.meta.url), { detached: true });
    teardown.add(async () => {
      this.#isOn = false;
      this.#generator.kill('SIGKILL');
    });
  }

  /** The maximum throughput of ingest and workers, in events per second. */
  async measureMaximum(durationMs: number): Promise<number> {
    return rate(await this.#send(durationMs));
  }

  start(eventsPerSecond: number): void {
    this.#isOn = eventsPerSecond > 0;
    this.#sending = this.#keepSending(eventsPerSecond);
    this.#sending.catch(() => undefined); // reported by `stop`
  }

  async stop(): Promise<void> {
    this.#isOn = false;
    await this.#sending;
  }

  /** The rates of each second since the last call. */
  takeRates(): number[] {
    const rates = this.#rates;
    this.#rates = [];
    return rates;
  }

  async #keepSending(eventsPerSecond: number): Promise<void> {
    while (this.#isOn) this.#rates.push(rate(await this.#send(SLICE_MS, eventsPerSecond)));
  }

  async #send(durationMs: number, eventsPerSecond?: number): Promise<Outcome> {
    const { ports, caFile, writeKeys } = this.#stack;
    const order: Order = {
      ...{ port: ports[0], caFile, writeKey: writeKeys.dcos ?? '', durationMs },
      ...{ connections: CONNECTIONS, installations: INSTALLATIONS },
      ...(eventsPerSecond === undefined ? {} : { eventsPerSecond }),
    };
    const answer = await new Promise<Outcome | { error: string }>((resolve, reject) => {
      const onExit = () => reject(new Error('The generator exited.'));
      this.#generator.once('exit', onExit);
      this.#generator.once('message', (message) => {
        this.#generator.off('exit', onExit);
        resolve(message as Outcome);
      });
      this.#generator.send(order);
    });
    if ('error' in answer) throw new Error(answer.error);
    return answer;
  }
}

function rate({ accepted, elapsedMs }: Outcome): number {
  return (1000 * accepted) / elapsedMs;
}
