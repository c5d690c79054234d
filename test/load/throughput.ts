import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { Teardown } from '#devservers';
import type { Outcome } from './generator.js';
import type { Options } from './options.js';
import { Sender } from './sender.js';
import type { Stack } from './stack.js';

/** The throughput of each part of a round, in events per second. */
export interface Round {
  plain: number;
  ingest: number;
  whole: number;
  /**
   * The generator's share of one processor in each part. Below 1, the generator is not the
   * bottleneck.
   */
  generator: Record<'plain' | 'ingest' | 'whole', number>;
}

const WARM_UP_MS = 1500;
const STORE_LIMIT_MS = 60_000;
const POLL_MS = 10;

/**
 * Measures the three servers alternately, so that other load on the machine affects all of them.
 * All run all the time, and the others are idle.
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
    const before = await this.#storedEvents();
    const whole = await this.#send(this.#stack.wholePort, durationMs);
    const storedAt = await this.#untilStored(before + whole.accepted);
    return {
      plain: rate(plain),
      ingest: rate(ingest),
      whole: rate({ accepted: whole.accepted, elapsedMs: storedAt - whole.startedAt }),
      generator: { plain: load(plain), ingest: load(ingest), whole: load(whole) },
    };
  }

  /** Sends to one of the three servers for a while. */
  async #send(port: number, durationMs: number): Promise<Outcome> {
    const { connections, installations } = this.#options;
    const { caFile, writeKey } = this.#stack;
    return this.#sender.send({ port, caFile, writeKey, connections, installations, durationMs });
  }

  /**
   * Waits until the rows of all accepted events are in the database.
   *
   * @returns the time when this was seen, in milliseconds since 1970
   * @throws Error if some are missing, or the balance does not add up
   */
  async #untilStored(events: number): Promise<number> {
    const giveUpAt = Date.now() + STORE_LIMIT_MS;
    let stored = await this.#storedEvents();
    while (stored < events && Date.now() < giveUpAt) {
      await sleep(POLL_MS, undefined, { signal: this.#stopping });
      stored = await this.#storedEvents();
    }
    const storedAt = Date.now();
    const { rows } = await this.#database.query<{ reports: number; unaccounted: number }>(
      `SELECT (SELECT count(*) FROM report)::int AS reports,
              coalesce(sum(unaccounted), 0)::int AS unaccounted FROM fleet.ingest_balance`,
    );
    const [balance] = rows;
    if (balance?.reports !== events || balance.unaccounted !== 0) {
      throw new Error(
        `${events} events were accepted, and ${balance?.reports} reports are in the database; ${balance?.unaccounted} are unaccounted for.`,
      );
    }
    return storedAt;
  }

  /** The number of stored events in the balance. */
  async #storedEvents(): Promise<number> {
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
