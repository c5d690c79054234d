import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { Teardown } from '#devservers';
import type { Outcome } from './generator.js';
import type { Options } from './options.js';
import { Sender } from './sender.js';
import type { Stack } from './stack.js';

/** What each part of a round carried, in events a second. */
export interface Round {
  plain: number;
  ingest: number;
  whole: number;
  /** What the generator took of one processor in each part. It is no limit while it is below 1. */
  generator: Record<'plain' | 'ingest' | 'whole', number>;
}

const WARM_UP_MS = 1500;
const STORE_LIMIT_MS = 60_000;
const POLL_MS = 10;

/**
 * Measures the three by turns, so that what else the machine does falls on all of them; they all run
 * all the time, and who is not asked does nothing.
 */
export class Throughput {
  readonly #stack: Stack;
  readonly #options: Options;
  readonly #stopping: AbortSignal;
  readonly #sender: Sender;
  readonly #redis: Redis;
  readonly #database: pg.Pool;

  constructor(stack: Stack, options: Options, teardown: Teardown, stopping: AbortSignal) {
    this.#stack = stack;
    this.#options = options;
    this.#stopping = stopping;
    this.#redis = new Redis(stack.unreadRedisUrl);
    this.#redis.on('error', () => undefined);
    this.#database = new pg.Pool({ connectionString: stack.databaseUrl, max: 1 });
    this.#database.on('error', () => undefined);
    this.#sender = new Sender(teardown, stopping);
    teardown.add(async () => {
      this.#redis.disconnect();
      await this.#database.end();
    });
  }

  async warmUp(): Promise<void> {
    await this.#measure(WARM_UP_MS);
  }

  async round(): Promise<Round> {
    return this.#measure(this.#options.durationMs);
  }

  async #measure(durationMs: number): Promise<Round> {
    const plain = await this.#send(this.#stack.plainPort, durationMs);
    const ingest = await this.#send(this.#stack.ingestPort, durationMs);
    await this.#redis.flushdb();
    const before = await this.#balance();
    const whole = await this.#send(this.#stack.wholePort, durationMs);
    const storedAt = await this.#untilStored(before + whole.accepted);
    return {
      plain: rate(plain),
      ingest: rate(ingest),
      whole: rate({ accepted: whole.accepted, elapsedMs: storedAt - whole.startedAt }),
      generator: { plain: load(plain), ingest: load(ingest), whole: load(whole) },
    };
  }

  /** Sends for a while to one of the three. */
  async #send(port: number, durationMs: number): Promise<Outcome> {
    const { connections, installations } = this.#options;
    const { caFile, writeKey } = this.#stack;
    return this.#sender.send({ port, caFile, writeKey, connections, installations, durationMs });
  }

  /**
   * Waits until the rows of all accepted events are in the database.
   *
   * @returns when that was seen, in milliseconds since 1970
   * @throws Error when some do not come, or the books do not balance
   */
  async #untilStored(events: number): Promise<number> {
    const giveUpAt = Date.now() + STORE_LIMIT_MS;
    let stored = await this.#balance();
    while (stored < events && Date.now() < giveUpAt) {
      await sleep(POLL_MS, undefined, { signal: this.#stopping });
      stored = await this.#balance();
    }
    const storedAt = Date.now();
    const { rows } = await this.#database.query<{ reports: number; unaccounted: number }>(
      `SELECT (SELECT count(*) FROM report)::int AS reports,
              coalesce(sum(unaccounted), 0)::int AS unaccounted FROM fleet.ingest_balance`,
    );
    const [books] = rows;
    if (books?.reports !== events || books.unaccounted !== 0) {
      throw new Error(
        `${events} events were accepted, and ${books?.reports} reports are in the database; ${books?.unaccounted} are unaccounted for.`,
      );
    }
    return storedAt;
  }

  /** How many events are stored by the books. */
  async #balance(): Promise<number> {
    const { rows } = await this.#database.query<{ stored: number }>(
      'SELECT coalesce(sum(stored), 0)::int AS stored FROM fleet.ingest_balance',
    );
    return rows[0]?.stored ?? 0;
  }
}

function rate({ accepted, elapsedMs }: Pick<Outcome, 'accepted' | 'elapsedMs'>): number {
  return Math.round((1000 * accepted) / elapsedMs);
}

function load({ cpuMs, elapsedMs }: Outcome): number {
  return cpuMs / elapsedMs;
}
