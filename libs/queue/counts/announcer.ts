import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { RedisConnections } from '../connection.js';
import { withTimeout } from '../with-timeout.js';
import type { IngestCounts } from './ingest-counts.js';

/** The processes that have announced something, by the time of Redis at which they last did. */
export function livesKey(prefix: string): string {
  return `${prefix}:counts`;
}

/** The counters of one process. */
export function lifeKey(prefix: string, lifeId: string): string {
  return `${prefix}:counts:${lifeId}`;
}

/**
 * Writes fields of a process. KEYS: the processes, this one's hash; ARGV: its id, fields and values.
 * @returns 1 if Redis knew the process
 */
const ANNOUNCE = `
  local isKnown = redis.call('EXISTS', KEYS[2])
  redis.call('ZADD', KEYS[1], redis.call('TIME')[1], ARGV[1])
  if #ARGV > 1 then redis.call('HSET', KEYS[2], unpack(ARGV, 2)) end
  return isKnown`;

/** What a process that is killed has counted and not announced is at most a second's worth. */
const INTERVAL_MS = 1000;
/** Refusals need not survive a kill to the second, and their texts are long. */
const REFUSALS_INTERVAL_MS = 5000;
/** When nothing has changed, it is only checked that Redis has not lost the counters. */
const CHECK_INTERVAL_MS = 5000;
const TIMEOUT_MS = 2000;

/**
 * Announces the counters of one ingest process in Redis, where workers find them. They are absolute and
 * cumulative: a Redis that has lost them gets them back for as long as the process lives.
 */
export class CountAnnouncer {
  /** Names this process until it ends; a new one has another. */
  readonly #lifeId = randomUUID();
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #counts: IngestCounts;
  readonly #timer: NodeJS.Timeout;
  readonly #announced = new Map<string, string>();
  #checkAt = 0;
  #refusalsAt = 0;
  #announcing: Promise<void> | null = null;

  constructor(redis: RedisConnections, counts: IngestCounts) {
    this.#counts = counts;
    this.#prefix = redis.prefix;
    this.#redis = redis.failFast;
    this.#timer = setInterval(() => void this.announce(), INTERVAL_MS);
  }

  /** Announces what has changed since the last time. Never rejects: the next time includes it. */
  announce(): Promise<void> {
    this.#announcing ??= this.#announce()
      .catch(() => undefined) // the connection reports its own errors
      .finally(() => (this.#announcing = null));
    return this.#announcing;
  }

  /** Announces for the last time. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#announcing;
    this.#refusalsAt = 0;
    await this.announce();
  }

  async #announce(): Promise<void> {
    const fields = this.#counts.fields();
    const now = performance.now();
    const isDue = (name: string) => !name.startsWith('refused') || now >= this.#refusalsAt;
    const changed = [...fields].filter(
      ([name, text]) => this.#announced.get(name) !== text && isDue(name),
    );
    const isCheck = now >= this.#checkAt;
    if (fields.size === 0 || (changed.length === 0 && !isCheck)) return;
    const isKnown = await this.#write(changed);
    // Redis has lost what was announced before.
    if (!isKnown && changed.length < fields.size) await this.#write([...fields]);
    this.#remember(fields, isKnown ? changed : [...fields]);
  }

  #remember(fields: ReadonlyMap<string, string>, written: readonly [string, string][]): void {
    for (const [name, text] of written) this.#announced.set(name, text);
    for (const name of this.#announced.keys()) if (!fields.has(name)) this.#announced.delete(name);
    const now = performance.now();
    this.#checkAt = now + CHECK_INTERVAL_MS;
    const hasRefusals = written.some(([name]) => name.startsWith('refused'));
    if (hasRefusals) this.#refusalsAt = now + REFUSALS_INTERVAL_MS;
  }

  async #write(fields: readonly [name: string, text: string][]): Promise<boolean> {
    const keys = [livesKey(this.#prefix), lifeKey(this.#prefix, this.#lifeId)];
    const written = this.#redis.eval(ANNOUNCE, 2, ...keys, this.#lifeId, ...fields.flat());
    return (await withTimeout(written, TIMEOUT_MS)) === 1;
  }
}
