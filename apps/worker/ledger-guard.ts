import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#platform';
import {
  LedgerNotWritable,
  reconcile,
  type ErasureLedger,
  type LedgerComparison,
  type LedgerFault,
} from '#storage';

const POLL_MS = 5000;
/** At the start, while Redis is away. */
const RETRY_MS = 500;
/** A ledger with a fault is compared in full, so not at every look. */
const PAUSE_AFTER_FAULT_MS = 60_000;

/**
 * Sees to it that the database follows the ledger of erasures: one that was restored, or has failed over to
 * a replica that was behind, has forgotten some.
 */
export class LedgerGuard {
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #pauseUntil = 0;
  #hasRecorded = false;
  #problem: string | null = null;
  #isUnreachable = false;

  constructor(
    private readonly ledger: ErasureLedger,
    private readonly comparison: LedgerComparison,
    private readonly logger: Logger,
  ) {}

  /** Resolves when the database follows; until then no event may be stored. False where it was stopped. */
  async start(): Promise<boolean> {
    const { signal } = this.#stopping;
    while (!signal.aborted && !(await this.look())) await pause(RETRY_MS, signal);
    if (!signal.aborted) this.#running = this.run();
    return !signal.aborted;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** What keeps the ledger from being whole or written to; null where nothing does. */
  get problem(): string | null {
    return this.#problem;
  }

  private async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await pause(POLL_MS, signal);
      if (!signal.aborted && performance.now() > this.#pauseUntil) await this.look();
    }
  }

  /** @returns whether the database was compared */
  private async look(): Promise<boolean> {
    try {
      const unwritable = await this.synchronise();
      const head = await this.ledger.headInRedis();
      const read = this.ledger.read.bind(this.ledger);
      const { fault, forgotten } = await reconcile(head, { read, comparison: this.comparison });
      if (forgotten.erasures.length > 0) {
        const { erasures, ...counts } = forgotten;
        const detail = { erasures: erasures.length, ...counts };
        this.logger.warn(detail, 'the database had forgotten erasures; they are applied again');
      }
      if (fault) this.take(fault);
      else if (!unwritable) await this.recordOlder();
      this.say(fault ? `ledger ${fault.reason} at ${fault.sequence}` : unwritable);
      this.#isUnreachable = false;
      return true;
    } catch (error) {
      // While Redis or Postgres is away, others say so.
      const isNews = !this.#isUnreachable && !this.#stopping.signal.aborted;
      if (isNews) this.logger.warn({ err: error }, 'the erasure ledger could not be compared');
      this.#isUnreachable = true;
      return false;
    }
  }

  /** @returns why a copy cannot be written to; erasures wait meanwhile, and nothing else does */
  private async synchronise(): Promise<string | null> {
    try {
      await this.ledger.synchronise();
      return null;
    } catch (error) {
      if (!(error instanceof LedgerNotWritable)) throw error;
      return `file not writable (${error.message})`;
    }
  }

  private take(fault: LedgerFault): void {
    this.#pauseUntil = performance.now() + PAUSE_AFTER_FAULT_MS;
    this.ledger.distrust();
    this.logger.error(fault, 'the erasure ledger is not what was written; see docs/backup.md');
  }

  private async recordOlder(): Promise<void> {
    if (this.#hasRecorded) return;
    const recorded = await this.comparison.recordUnrecorded((it) => this.ledger.append(it));
    if (recorded > 0) this.logger.info({ recorded }, 'earlier erasures were added to the ledger');
    this.#hasRecorded = true;
  }

  private say(problem: string | null): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    if (problem === null) this.logger.info('the erasure ledger is in order again');
    else this.logger.error({ problem }, 'the erasure ledger has a problem');
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
