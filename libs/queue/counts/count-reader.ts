import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { AcceptedCount } from '#telemetry';
import { ENVELOPES, type RedisConnections } from '../connection.js';
import { withTimeout } from '../with-timeout.js';
import { lifeKey, livesKey } from './announcer.js';
import {
  ANNOUNCED_MS,
  type HourOfRefusals,
  type RefusalCount,
  type UnconfirmedBatch,
} from './ingest-counts.js';

/** What one ingest process has announced. */
export interface Announcement {
  lifeId: string;
  acknowledged: AcceptedCount[];
  unconfirmed: UnconfirmedBatch[];
  refusals: RefusalCount[];
}

/** Events of a job that is in the queue, in whatever state. */
export interface QueuedBatch {
  batchId: string;
  accepted: AcceptedCount[];
}

/**
 * The beginnings of jobs' data: all but the envelopes, which come last and may be large. KEYS: the jobs.
 * A job that is done by now has none.
 */
const READ_HEADS = `
  local heads = {}
  for i, key in ipairs(KEYS) do
    local data = redis.call('HGET', key, 'data') or ''
    local at = string.find(data, ',"envelopes":"', 1, true)
    heads[i] = at and string.sub(data, 1, at - 1) .. '}' or ''
  end
  return heads`;

const STATES = ['waiting', 'prioritized', 'active', 'delayed', 'failed'] as const;
/** Jobs that are looked at in one script: a few milliseconds of Redis' time. */
const PAGE = 200;
const TIMEOUT_MS = 5000;
const HOUR_MS = 3_600_000;
/** A process that has announced nothing for this long is taken out of Redis; if it lives, it comes back. */
const GONE_AFTER_S = 3600;

/** Reads what ingest processes have announced, and how many events are in the queue. */
export class CountReader {
  readonly #redis: Redis;
  readonly #queue: Queue;
  readonly #prefix: string;

  constructor(redis: RedisConnections) {
    this.#prefix = redis.prefix;
    this.#redis = redis.failFast;
    this.#queue = redis.queue(ENVELOPES, this.#redis);
  }

  /** @throws if Redis does not respond */
  async announcements(): Promise<Announcement[]> {
    const lives = await this.#ask(this.#redis.zrange(livesKey(this.#prefix), 0, '-1'));
    const read = (lifeId: string) => this.#ask(this.#redis.hgetall(lifeKey(this.#prefix, lifeId)));
    const found = await Promise.all(lives.map(async (id) => readAnnouncement(id, await read(id))));
    return found.filter((it) => it !== null);
  }

  /**
   * Removes from Redis what is no longer announced: dead processes, and hours that are too old. Call it only after
   * all announcements are stored.
   */
  async forget(announcements: readonly Announcement[]): Promise<void> {
    const lives = livesKey(this.#prefix);
    const [seconds = 0] = (await this.#ask(this.#redis.time())).map(Number);
    const gone = new Set(
      await this.#ask(this.#redis.zrangebyscore(lives, '-inf', String(seconds - GONE_AFTER_S))),
    );
    const oldest = seconds * 1000 - ANNOUNCED_MS - HOUR_MS;
    for (const { lifeId, acknowledged, refusals } of announcements) {
      const key = lifeKey(this.#prefix, lifeId);
      const old = (hour: number) => hour < oldest;
      const fields = [
        ...acknowledged.filter(({ hour }) => old(hour)).map(({ hour }) => `acknowledged:${hour}`),
        ...refusals.filter(({ hour }) => old(hour)).map(({ hour }) => `refused:${hour}`),
      ];
      if (gone.has(lifeId)) {
        await this.#ask(this.#redis.multi().zrem(lives, lifeId).del(key).exec());
      } else if (fields.length > 0) await this.#ask(this.#redis.hdel(key, ...fields));
    }
  }

  /**
   * The batches that were in the queue at one moment during the call, but for those that are done
   * meanwhile. A job that cannot be read is left out.
   */
  async queued(): Promise<QueuedBatch[]> {
    const ids = await this.#ask(this.#queue.getRanges([...STATES], 0, -1));
    const batches: QueuedBatch[] = [];
    for (let start = 0; start < ids.length; start += PAGE) {
      const keys = ids.slice(start, start + PAGE).map((id) => this.#queue.toKey(id));
      const heads = await this.#ask(this.#redis.eval(READ_HEADS, keys.length, ...keys));
      batches.push(...(heads as string[]).flatMap(readHead));
    }
    return batches;
  }

  #ask<T>(question: Promise<T>): Promise<T> {
    return withTimeout(question, TIMEOUT_MS);
  }
}

/** Null if it was removed from Redis meanwhile. Unknown fields are skipped. */
function readAnnouncement(lifeId: string, fields: Record<string, string>): Announcement | null {
  if (!/^[0-9a-f-]{36}$/.test(lifeId) || Object.keys(fields).length === 0) return null;
  const announcement: Announcement = { lifeId, acknowledged: [], unconfirmed: [], refusals: [] };
  for (const [name, text] of Object.entries(fields)) {
    const [kind, hourText = ''] = name.split(':');
    const hour = Number(hourText);
    const value = parse(text);
    if (value === null) continue;
    if (kind === 'acknowledged') {
      for (const [product, count] of Object.entries(value as Record<string, number>)) {
        announcement.acknowledged.push({ product, hour, count });
      }
    } else if (kind === 'refused') {
      const refused = value as HourOfRefusals;
      announcement.refusals.push(
        ...refused.map(([it, requests, events]) => ({ hour, ...it, requests, events })),
      );
    } else if (kind === 'unconfirmed') {
      announcement.unconfirmed.push(...(value as UnconfirmedBatch[]));
    }
  }
  return announcement;
}

function readHead(head: string): QueuedBatch[] {
  const { batchId, accepted } = (parse(head) ?? {}) as Partial<QueuedBatch>;
  return batchId !== undefined && Array.isArray(accepted) ? [{ batchId, accepted }] : [];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
