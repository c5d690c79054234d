import type { Logger } from '#platform';
import { findDueWork, isConnectionLoss, type Database, type WorkKind } from '#storage';
import { WakeUp } from './wake-up.js';
import type { LoopName, Watchdog } from './watchdog.js';

/** How soon failed attempts, and due work that must wait for other work, are tried again. */
const RETRY_MS = 500;
/** Timers cannot wait for longer than 24 days. */
const LONGEST_SLEEP_MS = 3_600_000;

interface Part {
  /** The name in the log. The watchdog follows each part by itself. */
  name: LoopName;
  /** The work that it does. */
  kind: WorkKind;
  /** Takes unclaimed work, and continues until the work is finished or the signal aborts. */
  run: (signal: AbortSignal) => Promise<{ completed: readonly string[]; isIdle: boolean }>;
}

/** Work that is queued in the database. */
export interface Work {
  /** They run concurrently, so that none waits for a slow one. */
  parts: readonly Part[];
  /** Releases its resources. */
  close: () => Promise<void>;
}

interface Options {
  works: readonly Work[];
  /** Announces work. */
  database: Pick<Database, 'listen' | 'query'>;
  watchdog: Watchdog;
  logger: Logger;
}

/**
 * Carries out administrators' requests. Safe to run in several workers: each takes unclaimed work, and resumes
 * the work of workers that died.
 *
 * Its parts sleep while no work is due. One statement finds out: after a notice, after progress, and when the next
 * work is due, such as by the end of another worker's claim.
 */
export class WorkLoop {
  readonly #stopping = new AbortController();
  readonly #look = new WakeUp();
  readonly #parts: readonly (Part & { wakeUp: WakeUp })[];
  #running: Promise<unknown> | null = null;

  constructor(private readonly options: Options) {
    this.#parts = options.works.flatMap(({ parts }) =>
      parts.map((part) => ({ ...part, wakeUp: new WakeUp() })),
    );
  }

  start(): void {
    this.options.database.listen('work', () => this.#look.call());
    this.#running = Promise.all([
      this.wakeDueParts(),
      ...this.#parts.map((part) => this.repeat(part, part.wakeUp)),
    ]);
  }

  /** Finishes the steps that cannot be interrupted. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await Promise.all(this.options.works.map((work) => work.close()));
  }

  private async wakeDueParts(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const due = await this.findDue();
      for (const { kind, wakeUp } of this.#parts) {
        if ((due.get(kind) ?? Infinity) <= 0) wakeUp.call();
      }
      const nextMs = Math.min(...due.values(), LONGEST_SLEEP_MS);
      await this.#look.sleep(signal, Math.max(nextMs, RETRY_MS));
    }
  }

  /** If it cannot be found out, everything may be due. */
  private async findDue(): Promise<ReadonlyMap<WorkKind, number>> {
    try {
      return await findDueWork(this.options.database);
    } catch {
      return new Map(this.#parts.map(({ kind }) => [kind, 0]));
    }
  }

  private async repeat(part: Part, wakeUp: WakeUp): Promise<void> {
    const { watchdog } = this.options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      watchdog.begin(part.name);
      const outcome = await this.attempt(part, signal);
      if (outcome === 'worked') {
        this.#look.call(); // other parts may continue from there
        continue;
      }
      watchdog.end(part.name);
      await wakeUp.sleep(signal, outcome === 'failed' ? RETRY_MS : undefined);
    }
  }

  private async attempt(
    { name, run }: Part,
    signal: AbortSignal,
  ): Promise<'worked' | 'idle' | 'failed'> {
    const { logger } = this.options;
    try {
      const { completed, isIdle } = await run(signal);
      if (completed.length > 0) logger.info({ completed }, `${name} completed`);
      return isIdle ? 'idle' : 'worked';
    } catch (error) {
      if (signal.aborted) return 'idle';
      // An outage is logged once, by the database.
      const level = isConnectionLoss(error) ? 'debug' : 'error';
      logger[level]({ err: error }, `${name} failed; retrying`);
      return 'failed';
    }
  }
}
