import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NormalisedBatch } from '#storage';

/** From this many events on, a transaction's cost per event hardly falls any more, so a further one begins. */
const ENOUGH_EVENTS = 500;
/** A transaction that waits for a lock holds up others for this long. */
const PATIENCE_MS = 50;
/** Bounds how long a transaction holds its locks. */
const MAX_EVENTS = 2000;
const MAX_BATCHES = 64;
/** Copies of an event in one transaction count as one event, and a month apart they are two. */
const MAX_AGE_DIFFERENCE_MS = 86_400_000;

interface Waiting {
  batch: NormalisedBatch;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Stores batches in as few transactions as the load demands: while a transaction is under way, arriving batches gather,
 * and the next one stores them together. A second transaction begins next to it when enough events wait, or when they
 * have waited for long. On an idle worker, a batch waits for nothing.
 */
export class GroupCommit {
  #waiting: Waiting[] = [];
  #running = 0;
  #timer: NodeJS.Timeout | null = null;

  /**
   * @param transactions the limit of transactions at once
   * @param save stores all of these batches or throws
   */
  constructor(
    private readonly transactions: number,
    private readonly save: (batches: readonly NormalisedBatch[]) => Promise<void>,
  ) {}

  /** Resolves when the batch is committed. @throws what `save` throws for this batch alone */
  async store(batch: NormalisedBatch): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, resolve, reject });
      this.#beginIfDue();
    });
  }

  #beginIfDue(): void {
    if (this.#waiting.length === 0 || this.#running >= this.transactions) return;
    const events = this.#waiting.reduce((sum, { batch }) => sum + batch.events.length, 0);
    if (this.#running === 0 || events >= ENOUGH_EVENTS) void this.#transaction();
    else this.#timer ??= setTimeout(() => void this.#transaction(), PATIENCE_MS);
  }

  async #transaction(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#running += 1;
    // Redis delivers several jobs in one packet; all of them are taken.
    await nextTurn();
    const group = this.#take();
    // What did not fit may be enough for a further transaction.
    this.#beginIfDue();
    await this.#storeTogether(group);
    this.#running -= 1;
    this.#beginIfDue();
  }

  /** Takes the oldest batches that fit into one transaction, and at least one if any wait. */
  #take(): Waiting[] {
    const [first] = this.#waiting;
    let events = 0;
    const end = this.#waiting.findIndex(({ batch }, index) => {
      events += batch.events.length;
      const difference = Math.abs(batch.gatheredAt - (first?.batch.gatheredAt ?? 0));
      const fits = events <= MAX_EVENTS && difference <= MAX_AGE_DIFFERENCE_MS;
      return index > 0 && (!fits || index >= MAX_BATCHES);
    });
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
  }

  /** If the group fails, each batch is stored alone, so that one cannot make the others fail. */
  async #storeTogether(group: readonly Waiting[]): Promise<void> {
    if (group.length === 0) return;
    try {
      await this.save(group.map(({ batch }) => batch));
      for (const { resolve } of group) resolve();
    } catch (error) {
      const [only] = group;
      if (only && group.length === 1) return only.reject(error);
      for (const waiting of group) await this.#storeTogether([waiting]);
    }
  }
}
