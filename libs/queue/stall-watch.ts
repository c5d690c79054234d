import { withTimeout } from './with-timeout.js';

/** At least this many checks within the time limit. */
const LOOKS = 4;
const LONGEST_INTERVAL_MS = 5000;

export interface StallWatchOptions {
  /** After this long with jobs that wait and none that is completed, the queue counts as stalled. */
  stallMs: number;
  /** The number of jobs that wait or are active in this process; null while it is unknown. */
  countPending: () => Promise<number | null>;
  /** Called when the queue stalls, and when a job is completed again or none waits any more. */
  onChange: (isStalled: boolean) => void;
}

/** Detects that jobs wait and this process completes none: the queue is paused, or something is stuck. */
export class StallWatch {
  readonly #options: StallWatchOptions;
  readonly #intervalMs: number;
  readonly #timer: NodeJS.Timeout;
  #progressAt = performance.now();
  #lookedAt = this.#progressAt;
  #isStalled = false;

  constructor(options: StallWatchOptions) {
    this.#options = options;
    this.#intervalMs = Math.min(options.stallMs / LOOKS, LONGEST_INTERVAL_MS);
    this.#timer = setInterval(() => void this.#look(), this.#intervalMs);
  }

  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** Call this when a job is completed. */
  progress(): void {
    this.#progressAt = performance.now();
    this.#become(false);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const counting = withTimeout(this.#options.countPending(), this.#intervalMs);
    const pending = await counting.catch(() => null);
    const now = performance.now();
    // The state stays, and time without Redis, which its own check reports, does not count.
    if (pending === null) this.#progressAt = Math.min(this.#progressAt + now - this.#lookedAt, now);
    this.#lookedAt = now;
    if (pending === 0) this.progress();
    else if (pending !== null && now - this.#progressAt > this.#options.stallMs) this.#become(true);
  }

  #become(isStalled: boolean): void {
    if (isStalled === this.#isStalled) return;
    this.#isStalled = isStalled;
    this.#options.onChange(isStalled);
  }
}
