const MINUTE_MS = 60_000;

/**
 * The loops of a worker, and how long each may take over one statement. Its age alone proves nothing about a
 * statement: these are several times what the longest takes with a large fleet.
 */
const LIMITS_MS = {
  suppressions: 60 * MINUTE_MS,
  erasures: 60 * MINUTE_MS,
  'log rewrites': 30 * MINUTE_MS,
  'erasure ledger': 60 * MINUTE_MS,
  'quarantine jobs': 10 * MINUTE_MS,
  purges: 10 * MINUTE_MS,
  'opt-outs': 10 * MINUTE_MS,
  maintenance: 6 * 60 * MINUTE_MS,
  policy: 2 * MINUTE_MS,
  balance: 10 * MINUTE_MS,
} as const;

export type LoopName = keyof typeof LIMITS_MS;

/** Detects loops that make no progress while their process still responds. Only a restart helps. */
export class Watchdog {
  /** When each loop that is at work last made progress. */
  readonly #progressAt = new Map<LoopName, number>();

  /** @param limitSeconds the limit of every loop, instead of those in `LIMITS_MS` */
  constructor(private readonly limitSeconds?: number) {}

  /** A loop begins a round, or waits for its next one. */
  begin(name: LoopName): void {
    this.#progressAt.set(name, performance.now());
  }

  /** A round made progress. Ignored for loops that are not at work. */
  progress(name: string): void {
    if (this.#progressAt.has(name as LoopName)) this.begin(name as LoopName);
  }

  /** A loop has no work, so no progress is expected until it begins again. */
  end(name: LoopName): void {
    this.#progressAt.delete(name);
  }

  /** The loops that have made no progress for too long. */
  get stuck(): LoopName[] {
    const now = performance.now();
    const limitMs = this.limitSeconds === undefined ? undefined : this.limitSeconds * 1000;
    return [...this.#progressAt]
      .filter(([name, at]) => now > at + (limitMs ?? LIMITS_MS[name]))
      .map(([name]) => name);
  }
}
