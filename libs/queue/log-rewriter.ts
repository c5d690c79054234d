import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { RedisConnections } from './connection.js';
import { withTimeout } from './with-timeout.js';

/**
 * The result of a rewrite: complete; not started, because another one is running or has just run; or impossible,
 * because Redis has no append-only file or does not permit the command.
 */
export type RewriteOutcome = 'rewritten' | 'waiting' | 'off' | 'not_permitted';

/** The minimum time between the starts of two rewrites, by any process. */
const EVERY_MS = 60_000;
/** A rewrite of a gigabyte takes Redis some ten seconds; one that is slow gets its next turn later. */
const REST_FACTOR = 10;
const LIMIT_MS = 600_000;
const TIMEOUT_MS = 5000;
const POLL_MS = 50;
const FORBIDDEN = /^(NOPERM|ERR unknown command)|not (permitted|allowed)|disabled/i;
const UNDER_WAY = /already in progress/i;

/** Makes Redis rewrite its append-only file, so that the file no longer contains deleted data. */
export class LogRewriter {
  readonly #redis: Redis;
  readonly #key: string;
  #isBusy = false;

  constructor(redis: RedisConnections) {
    this.#redis = redis.patient;
    this.#key = `${redis.prefix}:log-rewrite`;
  }

  /** Whether a rewrite is running here, or may start now. */
  async isDue(): Promise<boolean> {
    return this.#isBusy || (await withTimeout(this.#redis.exists(this.#key), TIMEOUT_MS)) === 0;
  }

  /** Starts a rewrite, and waits until it is complete. @throws if Redis fails */
  async rewrite(signal?: AbortSignal): Promise<RewriteOutcome> {
    const state = await this.#look();
    if (state === null) return 'not_permitted';
    if (!state.isOn) return 'off';
    if (state.isUnderWay) return 'waiting';
    const taking = this.#redis.set(this.#key, '1', 'PX', EVERY_MS, 'NX');
    if ((await withTimeout(taking, TIMEOUT_MS)) === null) return 'waiting';
    this.#isBusy = true;
    try {
      const begun = await this.#begin();
      return begun === 'begun' ? await this.#wait(state.runId, signal) : begun;
    } finally {
      this.#isBusy = false;
    }
  }

  async #begin(): Promise<'begun' | 'waiting' | 'not_permitted'> {
    try {
      await withTimeout(this.#redis.bgrewriteaof(), TIMEOUT_MS);
      return 'begun';
    } catch (error) {
      const { message } = error as Error;
      if (FORBIDDEN.test(message)) return 'not_permitted';
      if (!UNDER_WAY.test(message)) throw error;
      await withTimeout(this.#redis.del(this.#key), TIMEOUT_MS);
      return 'waiting';
    }
  }

  async #wait(runId: string, signal?: AbortSignal): Promise<'rewritten'> {
    const begunAt = performance.now();
    for (;;) {
      await sleep(POLL_MS, undefined, { signal });
      const state = await this.#look();
      if (state?.runId !== runId)
        throw new Error('Redis restarted while it rewrote its append-only file.');
      if (!state.isUnderWay) {
        if (!state.hasSucceeded) throw new Error('Redis could not rewrite its append-only file.');
        break;
      }
      if (performance.now() > begunAt + LIMIT_MS)
        throw new Error('Redis took too long to rewrite its append-only file.');
    }
    const tookMs = Math.ceil(performance.now() - begunAt);
    const restMs = Math.max(tookMs * REST_FACTOR, EVERY_MS);
    await withTimeout(this.#redis.set(this.#key, '1', 'PX', restMs), TIMEOUT_MS);
    return 'rewritten';
  }

  /** @returns null if Redis does not permit reading it */
  async #look() {
    try {
      const asking = [this.#redis.info('persistence'), this.#redis.info('server')];
      const info = (await withTimeout(Promise.all(asking), TIMEOUT_MS)).join('\n');
      const field = (name: string) => new RegExp(`^${name}:(\\S*)`, 'm').exec(info)?.[1] ?? '';
      return {
        isOn: field('aof_enabled') === '1',
        isUnderWay:
          field('aof_rewrite_in_progress') === '1' || field('aof_rewrite_scheduled') === '1',
        hasSucceeded: field('aof_last_bgrewrite_status') === 'ok',
        runId: field('run_id'),
      };
    } catch (error) {
      if (FORBIDDEN.test((error as Error).message)) return null;
      throw error;
    }
  }
}
