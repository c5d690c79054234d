import type { Redis } from 'ioredis';
import { ENVELOPES } from './connection.js';
import { asUnavailable, QueueUnavailable } from './unavailable.js';
import { withTimeout } from './with-timeout.js';

export interface GateOptions {
  /** The prefix of all keys. */
  prefix: string;
  /** The share of its memory that Redis may use. */
  memoryShare: number;
  /** Whether to require that Redis syncs every write to disk before it responds. */
  verifiesDurability: boolean;
  /** How long a write may take, in milliseconds. */
  timeoutMs: number;
  /** Called when the gate opens (null), and when it closes, with a message for the log. */
  onChange: (closed: QueueUnavailable | null) => void;
}

const CHECK_INTERVAL_MS = 500;
/** A silence this long closes it, or a longer one where a write may take longer. */
const LOOK_LIMIT_MS = 1500;
/** The Redis settings that make confirmed writes durable. */
const DURABLE = [
  ['appendonly', 'yes'],
  ['appendfsync', 'always'],
  ['maxmemory-policy', 'noeviction'],
] as const;
/** Without a write for this long, a probe finds out whether one would succeed. */
const PROBE_AFTER_MS = 5000;
/**
 * A write like the one that adds a job: a script over the keys of the queue. Redis rejects it for every reason for
 * which it would reject a job. It leaves no data. KEYS: keys of the queue, and the probe's.
 */
const PROBE = `
  for i = 1, #KEYS do redis.call('EXISTS', KEYS[i]) end
  redis.call('HSET', KEYS[#KEYS], 'probe', '1')
  return redis.call('DEL', KEYS[#KEYS])`;
const PROBED = ['wait', 'meta', 'delayed', 'events', 'probe'];
/** Hysteresis: without it, the gate would open and close with every job. */
const HYSTERESIS = 0.05;

/**
 * Open while Redis is reachable, durable, not too full, and accepts writes. It checks twice a second; between two
 * checks, `noeviction` and the result of each write protect the queue.
 */
export class RedisGate {
  readonly #redis: Redis;
  readonly #options: GateOptions;
  readonly #timer: NodeJS.Timeout;
  #closed: QueueUnavailable | null;
  #isLooking = false;
  #connections = 0;
  /** Whether Redis rejected the last attempt to connect. */
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

  /** Reports the result of a write. After a failure, the next check probes whether writes succeed. */
  observe(hasSucceeded: boolean): void {
    this.#wroteAt = hasSucceeded ? performance.now() : -Infinity;
  }

  /** Checks now unless a write has just succeeded. @throws QueueUnavailable if closed */
  async check(): Promise<void> {
    if (!this.#closed && performance.now() - this.#wroteAt < CHECK_INTERVAL_MS) return;
    if (!this.#closed) {
      const probe = withTimeout(this.#probe(), this.#options.timeoutMs);
      await probe.catch((error: unknown) => this.#become(asUnavailable(error)));
    }
    if (this.#closed) throw this.#closed;
  }

  /**
   * Checks Redis now, unless a check is running. Never rejects, and always times out: a command may never settle if
   * its connection breaks.
   */
  async look(): Promise<void> {
    if (this.#isLooking || this.#redis.status !== 'ready') return;
    this.#isLooking = true;
    try {
      const limitMs = Math.max(LOOK_LIMIT_MS, this.#options.timeoutMs);
      const closed = await withTimeout(this.#examine(), limitMs);
      if (this.#redis.status === 'ready') this.#become(closed);
    } catch (error) {
      this.#become(asUnavailable(error));
    } finally {
      this.#isLooking = false;
    }
  }

  /** Sends all commands at once: a process that is busy with new connections gets each response late. */
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
    // A rejected connection closes as well, and the rejection has the actual reason.
    if (!this.#isReconnecting && !this.#isRefused) this.#become(unreachable());
    this.#isReconnecting = false;
  }

  /** Redis may be reachable and reject the connection, which is a different reason. */
  #failToConnect(error: unknown): void {
    const failure = asUnavailable(error);
    this.#isRefused = failure.reason !== 'unreachable';
    if (this.#isRefused) this.#become(failure);
  }

  /** After a failover, the connection may still be to the former master. */
  #findReadOnly(info: string): QueueUnavailable | null {
    if (!/^role:slave/m.test(info)) return null;
    this.#isReconnecting = true;
    this.#redis.disconnect(true); // the host name may resolve to the new master now
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
