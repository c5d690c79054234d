import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { ReceivedEnvelope } from '#telemetry';
import { ENVELOPES, type RedisConnections } from './connection.js';
import { packEnvelopes, unpackBatch, UnreadableJob, type JobData } from './envelope-batch.js';
import { QueueUnavailable } from './unavailable.js';
import { withTimeout } from './with-timeout.js';

/** Jobs that are read at once. */
const PAGE = 100;
const POLL_MS = 50;
const TIMEOUT_MS = 5000;
/** The ids of a million jobs take Redis a second. */
const LIST_TIMEOUT_MS = 30_000;
/** Longer than a worker takes over a job, and than Redis takes to notice that a worker was killed. */
const ACTIVE_LIMIT_MS = 300_000;

/** ARGV: SHA-1 of the data as it was read, new data. @returns 0 if the data is another one, -1 without such a job */
const REPLACE_DATA = `
  local data = redis.call('HGET', KEYS[1], 'data')
  if not data then return -1 end
  if redis.sha1hex(data) ~= ARGV[1] then return 0 end
  redis.call('HSET', KEYS[1], 'data', ARGV[2])
  return 1`;

/** Returns what replaces an event; null for an event that stays. */
type Replace = (envelope: ReceivedEnvelope) => ReceivedEnvelope | null;

export interface ForgetOptions {
  /** Of these installations, events received later (milliseconds since 1970) stay. */
  receivedUntil?: ReadonlyMap<string, number> | undefined;
  signal?: AbortSignal | undefined;
}

/** Removes events from queued jobs. What is removed becomes a marker, which the balance counts. */
export class QueueRewriter {
  readonly #redis: Redis;
  readonly #queue: Queue;
  readonly #activeLimitMs: number;

  /** @param activeLimitMs how long it waits for the jobs that workers process */
  constructor(redis: RedisConnections, activeLimitMs = ACTIVE_LIMIT_MS) {
    this.#redis = redis.patient;
    this.#activeLimitMs = activeLimitMs;
    this.#queue = redis.queue(ENVELOPES, this.#redis);
  }

  /**
   * Resolves when no job that existed at the time of the call contains an event of these installations, and no
   * worker still processes one that did.
   * @throws QueueUnavailable if Redis does not respond, or active jobs do not end
   */
  async forgetInstallations(
    installationIds: readonly string[],
    { receivedUntil, signal }: ForgetOptions = {},
  ): Promise<void> {
    const ids = new Map(installationIds.map((id) => [id, receivedUntil?.get(id) ?? Infinity]));
    await this.#replaceEvents((it) => {
      const isMeant = idsOf(it).some((id) => it.receivedAt <= (ids.get(id) ?? -Infinity));
      return isMeant ? { ...receiptOf(it), suppressed: true } : null;
    }, signal);
  }

  /**
   * The same for the events that a write key sent, received in a period: milliseconds since 1970, `to` exclusive.
   * They become markers of blocked events.
   */
  async purgeKey(
    { keyId, from, to }: { keyId: string; from: number; to: number },
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#replaceEvents((it) => {
      const isMeant =
        ('event' in it || 'rejection' in it) &&
        it.key === keyId &&
        it.receivedAt >= from &&
        it.receivedAt < to;
      return isMeant ? { ...receiptOf(it), blocked: true } : null;
    }, signal);
  }

  /**
   * Rewrites every job, whatever its state: jobs move between lists while it works, and an active job that fails
   * is processed again with what its hash holds then. Afterwards waits for the workers that had read a job before.
   */
  async #replaceEvents(replace: Replace, signal?: AbortSignal): Promise<void> {
    // One script returns all ids, so no job is between two lists.
    const jobIds = await this.#idsOf('waiting', 'delayed', 'failed', 'active');
    for (let start = 0; start < jobIds.length; start += PAGE) {
      signal?.throwIfAborted();
      const page = jobIds.slice(start, start + PAGE);
      await Promise.all(page.map((id) => this.#rewrite(this.#queue.toKey(id), replace)));
    }
    await this.#waitForActive(signal);
  }

  async #waitForActive(signal?: AbortSignal): Promise<void> {
    const giveUpAt = performance.now() + this.#activeLimitMs;
    const active = new Set(await this.#idsOf('active'));
    while (active.size > 0) {
      if (performance.now() > giveUpAt) {
        throw new QueueUnavailable('overloaded', 'Active jobs did not end in time.');
      }
      await sleep(POLL_MS, undefined, { signal });
      const now = new Set(await this.#idsOf('active'));
      for (const id of active) if (!now.has(id)) active.delete(id);
    }
  }

  async #idsOf(...states: ('waiting' | 'delayed' | 'failed' | 'active')[]): Promise<string[]> {
    return withTimeout(this.#queue.getRanges(states, 0, -1), LIST_TIMEOUT_MS);
  }

  /** Another process may rewrite the same job: then its result is read and rewritten. */
  async #rewrite(key: string, replace: Replace): Promise<void> {
    for (;;) {
      const data = await withTimeout(this.#redis.hget(key, 'data'), TIMEOUT_MS);
      const rewritten = data === null ? null : await rewriteData(data, replace);
      if (data === null || rewritten === null) return; // completed meanwhile, or nothing to remove
      const sha1 = createHash('sha1').update(data).digest('hex');
      const replacing = this.#redis.eval(REPLACE_DATA, 1, key, sha1, rewritten);
      if ((await withTimeout(replacing, TIMEOUT_MS)) !== 0) return;
    }
  }
}

/** @returns null if nothing changes */
async function rewriteData(data: string, replace: Replace): Promise<string | null> {
  const job = JSON.parse(data) as JobData;
  const envelopes = envelopesOf(job);
  let isChanged = false;
  const rewritten = envelopes.map((it) => {
    const replacement = replace(it);
    isChanged ||= replacement !== null;
    return replacement ?? it;
  });
  if (!isChanged) return null;
  return JSON.stringify({ ...job, envelopes: await packEnvelopes(rewritten) });
}

function envelopesOf(job: JobData): ReceivedEnvelope[] {
  try {
    return unpackBatch(job).envelopes;
  } catch (error) {
    if (error instanceof UnreadableJob) return []; // its installations are unknown
    throw error;
  }
}

/** An erasure of a former id applies to the installation's events as well. */
function idsOf(envelope: ReceivedEnvelope): string[] {
  if (!('installationId' in envelope)) return [];
  return [envelope.installationId, ...(envelope.formerIds ?? [])];
}

function receiptOf({ receivedAt, product }: ReceivedEnvelope) {
  return { receivedAt, product };
}
