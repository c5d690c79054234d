import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#platform';
import {
  LedgerNotWritable,
  reconcile,
  UnknownLedgerKey,
  type ErasureLedger,
  type LedgerComparison,
  type LedgerFault,
} from '#storage';
import type { Watchdog } from './watchdog.js';

const POLL_MS = 5000;
/** At startup, while Redis is unavailable. */
const RETRY_MS = 500;
/** A ledger with a fault is compared in full, so less often. */
const PAUSE_AFTER_FAULT_MS = 60_000;
const DAMAGED = 'the erasure ledger is damaged; see docs/backup.md';
const UNKNOWN_KEY =
  'an entry of the erasure ledger is signed by a key that ERASURE_KEY_FILE does not contain; see docs/backup.md';

interface Parts {
  ledger: ErasureLedger;
  comparison: LedgerComparison;
  watchdog: Watchdog;
}

/**
 * Keeps the database in step with the erasure ledger. A database that was restored, or failed over to a lagging
 * replica, has lost erasures; they are applied again.
 */
export class LedgerGuard {
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #pauseUntil = 0;
  #hasRecorded = false;
  #problem: string | null = null;
  #isUnreachable = false;

  constructor(
    private readonly parts: Parts,
    private readonly logger: Logger,
  ) {}

  /** Resolves once the database is in step; no event may be stored before. @returns false if stopped */
  async start(): Promise<boolean> {
    const { signal } = this.#stopping;
    while (!signal.aborted && !(await this.check())) await pause(RETRY_MS, signal);
    if (!signal.aborted) this.#running = this.run();
    return !signal.aborted;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Why the ledger is damaged or nothing can be appended; null if neither. */
  get problem(): string | null {
    return this.#problem;
  }

  private async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await pause(POLL_MS, signal);
      if (!signal.aborted && performance.now() > this.#pauseUntil) await this.check();
    }
  }

  /** @returns whether the database was compared */
  private async check(): Promise<boolean> {
    const { watchdog } = this.parts;
    watchdog.begin('erasure ledger');
    const isCompared = await this.compare();
    watchdog.end('erasure ledger');
    return isCompared;
  }

  private async compare(): Promise<boolean> {
    const { ledger, comparison } = this.parts;
    try {
      const unwritable = await this.synchronise();
      const head = await ledger.headInRedis();
      const read = ledger.read.bind(ledger);
      const { fault, forgotten } = await reconcile(head, { read, comparison });
      if (forgotten.erasures.length > 0) {
        const { erasures, ...counts } = forgotten;
        const detail = { erasures: erasures.length, ...counts };
        this.logger.warn(detail, 'the database had lost erasures; they were applied again');
      }
      if (fault) this.handleFault(fault);
      else if (!unwritable) await this.recordEarlierErasures();
      this.setProblem(fault ? `ledger ${fault.reason} at ${fault.sequence}` : unwritable);
      this.#isUnreachable = false;
      return true;
    } catch (error) {
      // Outages of Redis and Postgres are logged elsewhere, so this is logged once.
      const isFirst = !this.#isUnreachable && !this.#stopping.signal.aborted;
      if (isFirst)
        this.logger.warn(
          { err: error },
          'the erasure ledger could not be compared with the database; retrying',
        );
      this.#isUnreachable = true;
      return false;
    }
  }

  /** @returns why nothing can be appended, or null. Only erasures wait until it can. */
  private async synchronise(): Promise<string | null> {
    try {
      await this.parts.ledger.synchronise();
      return null;
    } catch (error) {
      if (!(error instanceof LedgerNotWritable)) throw error;
      if (error instanceof UnknownLedgerKey) this.pauseAfterFault();
      return error.message;
    }
  }

  private handleFault(fault: LedgerFault): void {
    this.pauseAfterFault();
    this.parts.ledger.distrust();
    this.logger.error(fault, fault.reason === 'unknown_key' ? UNKNOWN_KEY : DAMAGED);
  }

  private pauseAfterFault(): void {
    this.#pauseUntil = performance.now() + PAUSE_AFTER_FAULT_MS;
  }

  private async recordEarlierErasures(): Promise<void> {
    if (this.#hasRecorded) return;
    const { comparison, ledger } = this.parts;
    const recorded = await comparison.recordUnrecorded((it) => ledger.append(it));
    if (recorded > 0) this.logger.info({ recorded }, 'earlier erasures were added to the ledger');
    this.#hasRecorded = true;
  }

  private setProblem(problem: string | null): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    if (problem === null) this.logger.info('the problem with the erasure ledger is resolved');
    else this.logger.error({ problem }, 'the erasure ledger has a problem');
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
