import { setTimeout as sleep } from 'node:timers/promises';
import type { JobsOptions, Queue } from 'bullmq';
import type { ReceivedEnvelope } from '#telemetry';
import { ENVELOPES, type RedisConnections } from './connection.js';
import type { IngestCounts } from './counts/ingest-counts.js';
import { type JobData, packBatch } from './envelope-batch.js';
import { RedisGate, type GateOptions } from './redis-gate.js';
import type { Clock } from './store-clock.js';
import { asUnavailable, isPassing, QueueUnavailable } from './unavailable.js';
import { type WaitingRequest, WaitingRequests } from './waiting-requests.js';
import { isDoneWithin } from './with-timeout.js';

export interface EnvelopeWriterOptions extends Omit<GateOptions, 'onChange' | 'prefix'> {
  /** How long Redis may take to respond before it counts as unreachable, in milliseconds. */
  timeoutMs: number;
  /** How long a request is held while Redis is unreachable, in milliseconds; 0 for not at all. */
  holdMs: number;
  /** How many requests may be held at once. */
  maxHeld: number;
  /** By which batches are dated: this machine's unless given. */
  clock?: Clock;
  onChange?: GateOptions['onChange'];
  /** Counts what is acknowledged. */
  counts?: IngestCounts | undefined;
}

/** How often a held request looks whether Redis is back. */
const HOLD_STEP_MS = 50;

/**
 * A job is retried until it succeeds, because only a broken dependency makes it fail. The reasons are in the log:
 * stored with the jobs of a long outage, they would fill Redis.
 */
const JOB: JobsOptions = {
  attempts: 1_000_000_000,
  backoff: { type: 'custom' },
  removeOnComplete: true,
  removeOnFail: false,
  stackTraceLimit: 0,
};

/** A job that was handed to Redis, and over which of the connections. */
interface Attempt {
  added: Promise<unknown>;
  connection: number;
}

/**
 * Writes envelopes to the queue. While one write is under way, the envelopes of arriving requests
 * gather and then go as one job: a quiet server waits for nothing, a busy one commits in groups.
 *
 * While Redis is unreachable, requests are held for a few seconds: a failover is over by then, and
 * many clients drop their events at a 503. A job whose confirmation was lost is sent again under the
 * same id, and workers store a batch once, so holding never stores an event twice.
 */
export class EnvelopeWriter {
  readonly #queue: Queue;
  readonly #gate: RedisGate;
  readonly #options: EnvelopeWriterOptions;
  readonly #clock: Clock;
  readonly #waiting = new WaitingRequests();
  /** Requests that need Redis for something else before they can be written. */
  #held = 0;
  #writing: Promise<void> | null = null;
  #isClosing = false;

  constructor(redis: RedisConnections, options: EnvelopeWriterOptions) {
    const { onChange = () => undefined } = options;
    this.#options = options;
    this.#clock = options.clock ?? Date;
    const { failFast, prefix } = redis;
    this.#gate = new RedisGate(failFast, { ...options, prefix, onChange });
    this.#queue = redis.queue(ENVELOPES, failFast);
  }

  /**
   * Resolves when Redis has confirmed that the envelopes are written; those of one call share one
   * job, so they are written together or not at all.
   * @param bytes about how much memory they take, for what may wait is bounded
   * @param since when the request began, by `performance.now()`
   * @throws QueueUnavailable within the time limit; then the caller must not report success
   */
  async accept(
    envelopes: readonly ReceivedEnvelope[],
    bytes: number,
    since = performance.now(),
  ): Promise<void> {
    this.#requireRoom();
    const deadline = since + this.#patienceMs;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.add({ envelopes, bytes, deadline, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /**
   * Does what needs Redis before a request can be written, again where Redis is unreachable and the
   * request may be held.
   * @param since when the request began, by `performance.now()`
   * @throws QueueUnavailable within the time limit, and what the work throws
   */
  async hold<T>(work: () => Promise<T>, since: number): Promise<T> {
    this.#requireRoom();
    this.#held += 1;
    try {
      for (;;) {
        try {
          if (this.#gate.closed) throw this.#gate.closed;
          return await work();
        } catch (error) {
          const isLate = performance.now() >= since + this.#patienceMs;
          if (isLate || !(error instanceof QueueUnavailable) || !this.#isHoldable(error))
            throw error;
        }
        await sleep(HOLD_STEP_MS);
      }
    } finally {
      this.#held -= 1;
    }
  }

  /** Checks that the last write succeeded, or that a similar probe does. @throws QueueUnavailable */
  async check(): Promise<void> {
    await this.#gate.check();
  }

  /** Why nothing can be written at the moment; null if envelopes are accepted. */
  get closed(): QueueUnavailable | null {
    return this.#gate.closed;
  }

  /** Waits for the first check of Redis, for at most `limitMs`. */
  async settle(limitMs: number): Promise<QueueUnavailable | null> {
    const until = performance.now() + limitMs;
    while (isPassing(this.#gate.closed) && performance.now() < until) {
      await sleep(20);
    }
    return this.#gate.closed;
  }

  /** Accepts no more envelopes and finishes the current writes. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#writing;
    this.#gate.stop();
  }

  /** @throws QueueUnavailable where envelopes can neither be written nor held */
  #requireRoom(): void {
    if (this.#isClosing) throw new QueueUnavailable('closing', 'The server is stopping.');
    const { closed } = this.#gate;
    const isHeldUp = this.#waiting.length + this.#held >= this.#options.maxHeld;
    if (closed && (isHeldUp || !this.#isHoldable(closed))) throw closed;
    if (this.#waiting.isFull) {
      throw new QueueUnavailable('overloaded', 'Too many events are waiting to be written.');
    }
  }

  /** A full queue, or one that is not durable, takes longer to mend than a request can wait. */
  #isHoldable(closed: QueueUnavailable): boolean {
    return isPassing(closed) && this.#options.holdMs > 0;
  }

  get #patienceMs(): number {
    return Math.max(this.#options.timeoutMs, this.#options.holdMs);
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const { closed } = this.#gate;
      if (closed === null) await this.#write(this.#waiting.takeBatch());
      else if (this.#isHoldable(closed)) await sleep(HOLD_STEP_MS);
      else refuse(this.#waiting.takeAll(), closed);
      this.#refuseLate([]);
    }
    this.#writing = null;
  }

  /** Writes one job: over a new connection again, as long as one of its requests may be held. */
  async #write(requests: WaitingRequest[]): Promise<void> {
    let unanswered = requests;
    let data: JobData | null = null;
    let isWritten = false;
    try {
      const envelopes = requests.flatMap((request) => request.envelopes);
      data = await packBatch(envelopes, this.#clock.now());
      let attempt: Attempt | null = null;
      while (unanswered.length > 0) {
        attempt = this.#begin(data, attempt);
        try {
          if (attempt === null) await sleep(HOLD_STEP_MS);
          else isWritten = await isDoneWithin(attempt.added, HOLD_STEP_MS);
          if (isWritten) break;
        } catch (error) {
          this.#gate.observe(false);
          if (!this.#isHoldable(asUnavailable(error))) throw error;
          attempt = null;
          void this.#gate.look();
          await sleep(HOLD_STEP_MS);
        }
        unanswered = this.#refuseLate(unanswered);
      }
      this.#gate.observe(isWritten);
      for (const { resolve } of unanswered) resolve();
    } catch (error) {
      refuse(unanswered, asUnavailable(error));
      void this.#gate.look();
    } finally {
      // Also when some of its senders were refused because it took too long: the job holds their events.
      if (data && isWritten) this.#options.counts?.acknowledge(data.accepted);
      else if (data) this.#options.counts?.leaveUnconfirmed(data);
    }
  }

  /**
   * Hands a job to Redis, unless that was done over this connection already: then Redis may still
   * confirm it. Over a lost connection it cannot, and the command may never be settled.
   */
  #begin(data: JobData, before: Attempt | null): Attempt | null {
    const { closed, connections: connection } = this.#gate;
    if (before?.connection === connection) return before;
    if (closed && this.#isHoldable(closed)) return null;
    if (closed) throw closed;
    const options = { ...JOB, jobId: data.batchId, timestamp: data.gatheredAt };
    const added = this.#queue.add('batch', data, options);
    // It may fail when no one waits for it any more.
    added.catch(() => undefined);
    return { added, connection };
  }

  /** @returns those of the requests that may still wait */
  #refuseLate(requests: WaitingRequest[]): WaitingRequest[] {
    const now = performance.now();
    const isLate = ({ deadline }: WaitingRequest) => deadline <= now;
    const late = [...requests.filter(isLate), ...this.#waiting.takeLate(now)];
    if (late.length === 0) return requests;
    const { closed } = this.#gate;
    refuse(late, closed ?? new QueueUnavailable('unreachable', 'Redis did not respond in time.'));
    void this.#gate.look();
    return requests.filter((request) => !isLate(request));
  }
}

function refuse(requests: readonly WaitingRequest[], error: QueueUnavailable): void {
  for (const { reject } of requests) reject(error);
}
