import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';

/** Why nothing can be written to the queue just now. */
export type ClosedReason = 'unreachable' | 'memory' | 'not_durable' | 'overloaded' | 'closing';

/**
 * The queue did not confirm an event. The sender may try again later, with the same id: a write that
 * Redis had begun may have been taken all the same.
 */
export class QueueUnavailable extends Error {
  constructor(
    readonly reason: ClosedReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface GateOptions {
  /** The share of its memory that Redis may use. */
  memoryShare: number;
  /** Whether to make sure that Redis has every write on disk before it answers. */
  verifiesDurability: boolean;
  /** Told when the gate opens (null) and when it closes, with a sentence for the log. */
  onChange: (closed: QueueUnavailable | null) => void;
}

const CHECK_INTERVAL_MS = 500;
const LOOK_LIMIT_MS = 1500;
/** It opens again a little below where it closed, or it would swing with every job. */
const HYSTERESIS = 0.05;

/**
 * Open while Redis is there, durable and not too full. It looks twice a second; between two looks,
 * `noeviction` and the write's own answer stand guard.
 */
export class RedisGate {
  readonly #redis: Redis;
  readonly #options: GateOptions;
  readonly #timer: NodeJS.Timeout;
  #closed: QueueUnavailable | null;
  #isLooking = false;

  constructor(redis: Redis, options: GateOptions) {
    this.#redis = redis;
    this.#options = options;
    this.#closed = unreachable();
    redis.on('ready', () => void this.look());
    redis.on('close', () => this.#become(unreachable()));
    this.#timer = setInterval(() => void this.look(), CHECK_INTERVAL_MS);
  }

  /** Why it is closed; null when it is open. */
  get closed(): QueueUnavailable | null {
    return this.#closed;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * Looks at Redis now, unless it is looking already. Never rejects, and never waits for ever: a
   * command that was under way when a connection broke may not be settled at all.
   */
  async look(): Promise<void> {
    if (this.#isLooking || this.#redis.status !== 'ready') return;
    this.#isLooking = true;
    try {
      const closed = await Promise.race([this.#examine(), afterLimit()]);
      if (this.#redis.status === 'ready') this.#become(closed);
    } catch {
      this.#become(unreachable());
    } finally {
      this.#isLooking = false;
    }
  }

  async #examine(): Promise<QueueUnavailable | null> {
    return (
      (await this.#findReadOnly()) ?? (await this.#findUndurable()) ?? (await this.#findFull())
    );
  }

  /** After a failover the connection may be to what is a replica now. */
  async #findReadOnly(): Promise<QueueUnavailable | null> {
    const info = await this.#redis.info('replication');
    if (!/^role:slave/m.test(info)) return null;
    this.#redis.disconnect(true); // the name may lead to the new master by now
    return new QueueUnavailable('unreachable', 'Redis is a replica and takes no writes.');
  }

  async #findUndurable(): Promise<QueueUnavailable | null> {
    if (!this.#options.verifiesDurability) return null;
    const wanted = [
      ['appendonly', 'yes'],
      ['appendfsync', 'always'],
      ['maxmemory-policy', 'noeviction'],
    ] as const;
    for (const [name, value] of wanted) {
      const answer = await this.#config(name);
      if (answer === value) continue;
      return new QueueUnavailable(
        'not_durable',
        answer === null
          ? `Redis does not let its setting ${name} be read, so it cannot be known whether it loses writes. Allow CONFIG GET, or set REDIS_DURABILITY=trusted.`
          : `Redis has ${name} ${answer} where ${value} is needed to lose nothing. Change it, or set REDIS_DURABILITY=trusted.`,
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

  async #findFull(): Promise<QueueUnavailable | null> {
    const info = await this.#redis.info('memory');
    const figure = (name: string) =>
      Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
    const limit = figure('maxmemory') || figure('total_system_memory');
    const isClosed = this.#closed?.reason === 'memory';
    const share = this.#options.memoryShare - (isClosed ? HYSTERESIS : 0);
    if (limit === 0 || figure('used_memory') <= limit * share) return null;
    return new QueueUnavailable(
      'memory',
      'The queue is full: workers have to catch up before more events are taken.',
    );
  }

  #become(closed: QueueUnavailable | null): void {
    const hasChanged = this.#closed?.reason !== closed?.reason;
    this.#closed = closed;
    if (hasChanged) this.#options.onChange(closed);
  }
}

async function afterLimit(): Promise<QueueUnavailable> {
  await sleep(LOOK_LIMIT_MS, undefined, { ref: false });
  return unreachable();
}

function unreachable(): QueueUnavailable {
  return new QueueUnavailable('unreachable', 'The queue cannot be reached.');
}

/** What a command that failed means to whoever waits for it. */
export function asUnavailable(cause: unknown): QueueUnavailable {
  if (cause instanceof QueueUnavailable) return cause;
  const isFull = cause instanceof Error && /\bOOM\b/.test(cause.message);
  return isFull
    ? new QueueUnavailable('memory', 'The queue is full.', { cause })
    : new QueueUnavailable('unreachable', 'The queue could not be written.', { cause });
}
