import type { Redis } from 'ioredis';
import { ENVELOPES } from './connection.js';
import { asUnavailable, QueueUnavailable } from './unavailable.js';
import { withinTime } from './within-time.js';

export interface GateOptions {
  /** What all keys begin with. */
  prefix: string;
  /** The share of its memory that Redis may use. */
  memoryShare: number;
  /** Whether to make sure that Redis has every write on disk before it answers. */
  verifiesDurability: boolean;
  /** How long a write may take, in milliseconds. */
  timeoutMs: number;
  /** Told when the gate opens (null) and when it closes, with a sentence for the log. */
  onChange: (closed: QueueUnavailable | null) => void;
}

const CHECK_INTERVAL_MS = 500;
/** A silence this long closes it, or a longer one where a write may take longer. */
const LOOK_LIMIT_MS = 1500;
/** What Redis needs to have, to lose nothing that it has confirmed. */
const DURABLE = [
  ['appendonly', 'yes'],
  ['appendfsync', 'always'],
  ['maxmemory-policy', 'noeviction'],
] as const;
/** Without a write for this long, a probe finds out whether one would succeed. */
const PROBE_AFTER_MS = 5000;
/**
 * A write of the kind that adds a job: a script over the keys of the queue. Redis refuses it for every
 * reason for which it would refuse a job. It leaves nothing. KEYS: keys of the queue, and the probe's.
 */
const PROBE = `
  for i = 1, #KEYS do redis.call('EXISTS', KEYS[i]) end
  redis.call('HSET', KEYS[#KEYS], 'probe', '1')
  return redis.call('DEL', KEYS[#KEYS])`;
const PROBED = ['wait', 'meta', 'delayed', 'events', 'probe'];
/** It opens again a little below where it closed, or it would swing with every job. */
const HYSTERESIS = 0.05;

/**
 * Open while Redis is there, durable, not too full, and takes writes. It looks twice a second; between two
 * looks, `noeviction` and the write's own answer stand guard.
 */
export class RedisGate {
  readonly #redis: Redis;
  readonly #options: GateOptions;
  readonly #timer: NodeJS.Timeout;
  #closed: QueueUnavailable | null;
  #isLooking = false;
  #connections = 0;
  /** Whether Redis answered the last attempt to connect, and refused it. */
  #isRefused = false;
  #isReconnecting = false;
  /** When a write last succeeded, on the clock of performance.now(). */
  #wroteAt = -Infinity;

  constructor(redis: Redis, options: GateOptions) {
    this.#redis = redis;
    this.#options = options;
    this.#closed = unreachable();
    redis.on('ready', () => {
      this.#connections += 1;
      this.#isRefused = false;
      void this.look();
    });
    redis.on('close', () => this.#lose());
    redis.on('error', (error) => this.#failToConnect(error));
    this.#timer = setInterval(() => void this.look(), CHECK_INTERVAL_MS);
  }

  /** Why it is closed; null when it is open. */
  get closed(): QueueUnavailable | null {
    return this.#closed;
  }

  /** How many connections there have been. A command never outlives the connection it was sent over. */
  get connections(): number {
    return this.#connections;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A write has succeeded, or failed: then the next look finds out whether writes do. */
  observe(hasSucceeded: boolean): void {
    this.#wroteAt = hasSucceeded ? performance.now() : -Infinity;
  }

  /** Looks now unless a write succeeded a moment ago. @throws QueueUnavailable where it is closed then */
  async check(): Promise<void> {
    if (!this.#closed && performance.now() - this.#wroteAt < CHECK_INTERVAL_MS) return;
    if (!this.#closed) {
      const probe = withinTime(this.#probe(), this.#options.timeoutMs);
      await probe.catch((error: unknown) => this.#become(asUnavailable(error)));
    }
    if (this.#closed) throw this.#closed;
  }

  /**
   * Looks at Redis now, unless it is looking already. Never rejects, and never waits for ever: a
   * command that was under way when a connection broke may not be settled at all.
   */
  async look(): Promise<void> {
    if (this.#isLooking || this.#redis.status !== 'ready') return;
    this.#isLooking = true;
    try {
      const limitMs = Math.max(LOOK_LIMIT_MS, this.#options.timeoutMs);
      const closed = await withinTime(this.#examine(), limitMs);
      if (this.#redis.status === 'ready') this.#become(closed);
    } catch (error) {
      this.#become(asUnavailable(error));
    } finally {
      this.#isLooking = false;
    }
  }

  /** Asks all at once: a process that is busy with arriving connections hears of each answer late. */
  async #examine(): Promise<QueueUnavailable | null> {
    const [replication, undurable, memory] = await Promise.all([
      this.#redis.info('replication'),
      this.#findUndurable(),
      this.#redis.info('memory'),
    ]);
    const closed = this.#findReadOnly(replication) ?? undurable ?? this.#findFull(memory);
    const isProven = !this.#closed && performance.now() - this.#wroteAt < PROBE_AFTER_MS;
    if (!closed && !isProven) await this.#probe();
    return closed;
  }

  async #probe(): Promise<void> {
    this.#wroteAt = -Infinity;
    const keys = PROBED.map((name) => `${this.#options.prefix}:${ENVELOPES}:${name}`);
    await this.#redis.eval(PROBE, keys.length, ...keys);
    this.#wroteAt = performance.now();
  }

  #lose(): void {
    // A connection that Redis refuses ends as well, and the refusal says more.
    if (!this.#isReconnecting && !this.#isRefused) this.#become(unreachable());
    this.#isReconnecting = false;
  }

  /** Redis may be there and refuse the connection: that is another reason than none. */
  #failToConnect(error: unknown): void {
    const failure = asUnavailable(error);
    this.#isRefused = failure.reason !== 'unreachable';
    if (this.#isRefused) this.#become(failure);
  }

  /** After a failover the connection may be to what is a replica now. */
  #findReadOnly(info: string): QueueUnavailable | null {
    if (!/^role:slave/m.test(info)) return null;
    this.#isReconnecting = true;
    this.#redis.disconnect(true); // the name may lead to the new master by now
    return new QueueUnavailable('read_only', 'Redis is a read-only replica.');
  }

  async #findUndurable(): Promise<QueueUnavailable | null> {
    if (!this.#options.verifiesDurability) return null;
    const found = await Promise.all(DURABLE.map(([name]) => this.#config(name)));
    for (const [index, [name, wanted]] of DURABLE.entries()) {
      const value = found[index] ?? null;
      if (value === wanted) continue;
      return new QueueUnavailable(
        'not_durable',
        value === null
          ? `Redis does not let its setting ${name} be read, so it cannot be known whether it loses writes. Allow CONFIG GET, or set REDIS_DURABILITY=trusted.`
          : `Redis has ${name} ${value} where ${wanted} is needed to lose nothing. Change it, or set REDIS_DURABILITY=trusted.`,
      );
    }
    return null;
  }

  async #config(name: string): Promise<string | null> {
    try {
      const answer = await this.#redis.config('GET', name);
      return answer[1] ?? null;
    } catch (error) {
      if (error instanceof Error && /^(NOPERM|ERR unknown command)/.test(error.message))
        return null;
      throw error;
    }
  }

  #findFull(info: string): QueueUnavailable | null {
    const figure = (name: string) =>
      Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
    const limit = figure('maxmemory') || figure('total_system_memory');
    const isClosed = this.#closed?.reason === 'memory';
    const share = this.#options.memoryShare - (isClosed ? HYSTERESIS : 0);
    if (limit === 0 || figure('used_memory') <= limit * share) return null;
    return new QueueUnavailable(
      'memory',
      'The queue is full. Ingestion resumes when workers have caught up.',
    );
  }

  #become(closed: QueueUnavailable | null): void {
    const hasChanged = this.#closed?.reason !== closed?.reason;
    this.#closed = closed;
    if (hasChanged) this.#options.onChange(closed);
  }
}

function unreachable(): QueueUnavailable {
  return new QueueUnavailable('unreachable', 'Redis cannot be reached.');
}
