/** At least this many checks within the time limit. */
const LOOKS = 4;
const LONGEST_INTERVAL_MS = 5000;

export interface StallWatchOptions {
  /** After this long with jobs that wait and none that is completed, the queue counts as stalled. */
  stallMs: number;
  /** The number of jobs that wait or are active in this process. */
  countPending: () => Promise<number>;
  /** Called when the queue stalls, and when a job is completed again or none waits any more. */
  onChange: (isStalled: boolean) => void;
}

/** Detects that jobs wait and this process completes none: the queue is paused, or something is stuck. */
export class StallWatch {
  readonly #options: StallWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #progressAt = performance.now();
  #isStalled = false;

  constructor(options: StallWatchOptions) {
    this.#options = options;
    const intervalMs = Math.min(options.stallMs / LOOKS, LONGEST_INTERVAL_MS);
    this.#timer = setInterval(() => void this.#look(), intervalMs);
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
    // Redis is unavailable, which its own check reports.
    const pending = await this.#options.countPending().catch(() => 0);
    if (pending === 0) this.progress();
    else if (performance.now() - this.#progressAt > this.#options.stallMs) this.#become(true);
  }

  #become(isStalled: boolean): void {
    if (isStalled === this.#isStalled) return;
    this.#isStalled = isStalled;
    this.#options.onChange(isStalled);
  }
}
