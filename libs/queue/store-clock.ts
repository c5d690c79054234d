import type { Redis } from 'ioredis';
import type { RedisConnections } from './connection.js';
import { withTimeout } from './with-timeout.js';

/** A source of the current time. */
export interface Clock {
  /** In milliseconds since 1970. */
  now(): number;
}

/** Called once when this machine's clock is off by seconds, and once when it is right again. */
type OnChange = (state: { isOff: boolean; offsetMs: number }) => void;

const MEASURE_EVERY_MS = 30_000;
const ANSWER_MS = 1000;
const POLL_MS = 20;
/** The accuracy of a measurement on a busy machine. */
const TOLERANCE_MS = 1000;
const OFF_MS = 3000;

/**
 * Redis' time, which all processes share. Times that are stored in Redis or Postgres come from it, so that a machine
 * with a wrong clock delays no job and misdates no event. Between two measurements it advances with the monotonic
 * clock. A machine whose clock agrees within a second uses its own.
 */
export class StoreClock implements Clock {
  readonly #redis: Redis;
  readonly #onChange: OnChange;
  /** The last measurement: Redis' time, and performance.now() at that moment. */
  #measured: { storeMs: number; at: number } | null = null;
  #isOff = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(redis: RedisConnections, onChange: OnChange) {
    this.#onChange = onChange;
    this.#redis = redis.failFast;
    this.#redis.on('ready', () => void this.#measure());
  }

  /** Waits for the first measurement, for at most `limitMs`, and repeats it from then on. */
  async start(limitMs: number): Promise<void> {
    this.#timer = setInterval(() => void this.#measure(), MEASURE_EVERY_MS);
    void this.#measure();
    const until = performance.now() + limitMs;
    while (!this.#measured && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Throws unless Redis responds. */
  async check(): Promise<void> {
    await withTimeout(this.#redis.time(), ANSWER_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  now(): number {
    const local = Date.now();
    const offset = this.#offsetAt(local);
    return Math.abs(offset) < TOLERANCE_MS ? local : Math.round(local - offset);
  }

  /** How far this machine's clock is ahead of Redis', in milliseconds; 0 until it is known. */
  get offsetMs(): number {
    return Math.round(this.#offsetAt(Date.now()));
  }

  /** For health responses; empty while the clock is right. */
  get trouble(): { clock: 'off'; clockOffsetMs: number } | Record<string, never> {
    return this.#isOff ? { clock: 'off', clockOffsetMs: this.offsetMs } : {};
  }

  #offsetAt(local: number): number {
    if (!this.#measured) return 0;
    const { storeMs, at } = this.#measured;
    return local - (storeMs + performance.now() - at);
  }

  /** Redis reads its clock between request and response. Never rejects: the last measurement remains. */
  async #measure(): Promise<void> {
    const askedAt = performance.now();
    try {
      const answer = await withTimeout(this.#redis.time(), ANSWER_MS);
      const [seconds = 0, microseconds = 0] = answer.map(Number);
      const at = (askedAt + performance.now()) / 2;
      this.#measured = { storeMs: seconds * 1000 + microseconds / 1000, at };
    } catch {
      return; // the connection reconnects by itself, and measures then
    }
    this.#report();
  }

  #report(): void {
    const { offsetMs } = this;
    const isOff = Math.abs(offsetMs) > OFF_MS;
    if (isOff === this.#isOff) return;
    this.#isOff = isOff;
    this.#onChange({ isOff, offsetMs });
  }
}
