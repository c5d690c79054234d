import type { JobsOptions } from 'bullmq';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { ReceivedEnvelope } from '#telemetry';
import { connectImpatiently, ENVELOPES, type QueueOptions } from './connection.js';
import { packBatch } from './envelope-batch.js';
import { RedisGate, type GateOptions } from './redis-gate.js';
import { asUnavailable, QueueUnavailable } from './unavailable.js';
import { withinTime } from './within-time.js';

export interface EnvelopeWriterOptions extends QueueOptions, Omit<GateOptions, 'onChange'> {
  /** How long a write may take, in milliseconds, waiting for the one before it included. */
  timeoutMs: number;
  onChange?: GateOptions['onChange'];
}

interface Request {
  envelopes: readonly ReceivedEnvelope[];
  bytes: number;
  since: number;
  resolve: () => void;
  reject: (error: QueueUnavailable) => void;
}

/** Jobs of 256 events carry eight times what jobs of one do; beyond 512 nothing more is gained. */
const BATCH_EVENTS = 512;
/** More than a second's worth for one process: whoever comes later would not be answered in time. */
const MAX_WAITING_EVENTS = 50_000;
const MAX_WAITING_BYTES = 128 * 1024 * 1024;

/**
 * A job is tried until it succeeds: only a broken dependency makes it fail, and that is mended. The
 * log has the reasons; kept with the jobs of a long outage, they would fill Redis.
 */
const JOB: JobsOptions = {
  attempts: 1_000_000_000,
  backoff: { type: 'custom' },
  removeOnComplete: true,
  removeOnFail: false,
  stackTraceLimit: 0,
};

/**
 * Writes envelopes to the queue. While one write is under way, the envelopes of arriving requests
 * gather and then go as one job: a quiet server waits for nothing, a busy one commits in groups.
 */
export class EnvelopeWriter {
  readonly #redis: Redis;
  readonly #queue: Queue;
  readonly #gate: RedisGate;
  readonly #timeoutMs: number;
  #waiting: Request[] = [];
  #waitingEvents = 0;
  #waitingBytes = 0;
  #writing: Promise<void> | null = null;
  #isClosing = false;

  constructor(options: EnvelopeWriterOptions) {
    const { timeoutMs, prefix, onChange = () => undefined } = options;
    this.#timeoutMs = timeoutMs;
    this.#redis = connectImpatiently(options, timeoutMs);
    this.#gate = new RedisGate(this.#redis, { ...options, onChange });
    this.#queue = new Queue(ENVELOPES, {
      connection: this.#redis,
      prefix,
      skipVersionCheck: true,
      skipMetasUpdate: true,
    });
    this.#queue.on('error', options.onError);
  }

  /**
   * Resolves when Redis has confirmed that the envelopes are written; those of one call share one
   * job, so they are written together or not at all.
   * @param bytes about how much memory they take, for what may wait is bounded
   * @throws QueueUnavailable within the time limit; then the caller must not report success
   */
  async accept(envelopes: readonly ReceivedEnvelope[], bytes: number): Promise<void> {
    this.requireOpen();
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ envelopes, bytes, since: performance.now(), resolve, reject });
      this.#waitingEvents += envelopes.length;
      this.#waitingBytes += bytes;
      this.#writing ??= this.#writeAll();
    });
  }

  /** Whether envelopes could be taken, as far as is known. @throws QueueUnavailable where not */
  requireOpen(): void {
    if (this.#isClosing) throw new QueueUnavailable('closing', 'The server is stopping.');
    if (this.#gate.closed) throw this.#gate.closed;
    if (this.#waitingEvents >= MAX_WAITING_EVENTS || this.#waitingBytes >= MAX_WAITING_BYTES) {
      throw new QueueUnavailable('overloaded', 'More events are waiting than can be written.');
    }
  }

  /** Asks Redis itself. @throws QueueUnavailable */
  async check(): Promise<void> {
    if (this.#gate.closed) throw this.#gate.closed;
    await this.#withinTime(this.#redis.ping(), performance.now());
  }

  /** Looks at Redis until it is known what it is like, for at most `limitMs`. */
  async settle(limitMs: number): Promise<QueueUnavailable | null> {
    const until = performance.now() + limitMs;
    while (this.#gate.closed?.reason === 'unreachable' && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this.#gate.closed;
  }

  /** Takes no more, finishes what is under way and disconnects. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#writing;
    this.#gate.stop();
    await this.#queue.close();
    this.#redis.disconnect();
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const requests = this.#takeBatch();
      try {
        await this.#write(requests);
        for (const { resolve } of requests) resolve();
      } catch (error) {
        // What waits behind a write that failed would fail as late again: it is told now.
        const unavailable = asUnavailable(error);
        for (const { reject } of [...requests, ...this.#waiting]) reject(unavailable);
        this.#waiting = [];
        this.#waitingEvents = 0;
        this.#waitingBytes = 0;
        void this.#gate.look();
      }
    }
    this.#writing = null;
  }

  /** The requests that have waited longest, as many as make a good batch. Never splits one. */
  #takeBatch(): Request[] {
    let events = 0;
    let count = 0;
    for (const { envelopes, bytes } of this.#waiting) {
      if (count > 0 && events + envelopes.length > BATCH_EVENTS) break;
      events += envelopes.length;
      count += 1;
      this.#waitingBytes -= bytes;
    }
    this.#waitingEvents -= events;
    return this.#waiting.splice(0, count);
  }

  async #write(requests: readonly Request[]): Promise<void> {
    const since = requests[0]?.since ?? performance.now();
    const data = await packBatch(requests.flatMap(({ envelopes }) => envelopes));
    await this.#withinTime(this.#queue.add('batch', data, { ...JOB, jobId: data.batchId }), since);
  }

  async #withinTime(work: Promise<unknown>, since: number): Promise<void> {
    await withinTime(work, Math.max(1, since + this.#timeoutMs - performance.now()));
  }
}
