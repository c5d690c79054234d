import { setTimeout as sleep } from 'node:timers/promises';
import { Job, Queue } from 'bullmq';
import type { ReceivedEnvelope } from '#telemetry';
import { connectBlocking, ENVELOPES, type QueueOptions } from './connection.js';
import { packEnvelopes, unpackBatch, UnreadableJob, type JobData } from './envelope-batch.js';

const PAGE = 100;
const POLL_MS = 50;

/** Removes the events of installations from queued jobs. */
export class InstallationForgetter {
  readonly #redis: ReturnType<typeof connectBlocking>;
  readonly #queue: Queue;

  constructor(options: QueueOptions) {
    this.#redis = connectBlocking(options);
    this.#queue = new Queue(ENVELOPES, {
      connection: this.#redis,
      prefix: options.prefix,
      skipVersionCheck: true,
      skipMetasUpdate: true,
    });
    this.#queue.on('error', options.onError);
  }

  /**
   * Resolves when no job that existed at the time of the call contains an event of these installations. Events
   * become markers of suppressed events, which the balance counts. For active jobs it waits: their worker
   * suppresses the event, and if the job fails, it is processed then.
   * @param receivedUntil of these, events received later (milliseconds since 1970) stay
   */
  async forget(
    installationIds: readonly string[],
    receivedUntil: ReadonlyMap<string, number> = new Map(),
  ): Promise<void> {
    const ids = new Map(installationIds.map((id) => [id, receivedUntil.get(id) ?? Infinity]));
    const active = new Set((await this.#queue.getActive()).map((job) => job.id));
    await this.#rewriteWaiting(ids);
    while (active.size > 0) {
      const now = new Set((await this.#queue.getActive()).map((job) => job.id));
      for (const id of active) if (!now.has(id)) active.delete(id);
      if (active.size > 0) await sleep(POLL_MS);
    }
    await this.#rewriteWaiting(ids);
  }

  async close(): Promise<void> {
    await this.#queue.close();
    this.#redis.disconnect();
  }

  /** By a list that is made at once: while workers take jobs, the others change their places. */
  async #rewriteWaiting(ids: ReadonlyMap<string, number>): Promise<void> {
    const jobIds = await this.#queue.getRanges(['waiting', 'delayed', 'failed'], 0, -1);
    for (let start = 0; start < jobIds.length; start += PAGE) {
      const page = jobIds.slice(start, start + PAGE);
      const jobs = await Promise.all(page.map((id) => Job.fromId<JobData>(this.#queue, id)));
      for (const job of jobs) await rewrite(job, ids);
    }
  }
}

async function rewrite(
  job: Job<JobData> | undefined,
  ids: ReadonlyMap<string, number>,
): Promise<void> {
  if (!job) return; // completed meanwhile
  const envelopes = envelopesOf(job);
  const isOf = (it: ReceivedEnvelope) =>
    'installationId' in it && it.receivedAt <= (ids.get(it.installationId) ?? -Infinity);
  if (!envelopes.some(isOf)) return;
  const left = envelopes.map((it): ReceivedEnvelope =>
    isOf(it) ? { receivedAt: it.receivedAt, product: it.product, suppressed: true } : it,
  );
  try {
    await job.updateData({ ...job.data, envelopes: await packEnvelopes(left) });
  } catch (error) {
    // A worker has finished it while it was looked at.
    if (!(error instanceof Error && /missing key/i.test(error.message))) throw error;
  }
}

function envelopesOf(job: Job<JobData>): ReceivedEnvelope[] {
  try {
    return unpackBatch(job.data).envelopes;
  } catch (error) {
    if (error instanceof UnreadableJob) return []; // its installations are unknown
    throw error;
  }
}
