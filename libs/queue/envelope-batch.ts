import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib';
import { type AcceptedCount, hourOf, type ReceivedEnvelope } from '#telemetry';

/** The events of many requests, written to the queue as one job. */
export interface EnvelopeBatch {
  /** The same at every delivery of the job. */
  batchId: string;
  /** When it was created, in milliseconds since 1970. */
  gatheredAt: number;
  /** The number of acknowledged events, counted separately from the envelopes, for the balance. */
  accepted: AcceptedCount[];
  envelopes: ReceivedEnvelope[];
}

/** The data of a job. Envelopes resemble each other, so they travel as one deflated text. */
export interface JobData extends Omit<EnvelopeBatch, 'envelopes'> {
  format: 1;
  /** JSON array of envelopes: UTF-8, raw deflate, base64. */
  envelopes: string;
}

/** A job whose data ingest cannot have written. Retrying does not help. */
export class UnreadableJob extends Error {
  override readonly name = 'UnreadableJob';
}

/** Level 1: a fleet's events shrink to a twentieth already, and time is what is short. */
const DEFLATE = { level: 1 };
/** Below this, the way to the thread pool and back takes longer than the work. */
const SMALL_BYTES = 16_384;
/**
 * In big steps and in place: half a millisecond for a batch of 256, where steps of 16 KB through the
 * thread pool took a tenth of the worker's time. The limit is more than any batch inflates to.
 */
const INFLATE = { chunkSize: 512 * 1024, maxOutputLength: 256 * 1024 * 1024 };

const deflateInPool = promisify(deflateRaw);

/** @param gatheredAt the present, in milliseconds since 1970 */
export async function packBatch(
  envelopes: readonly ReceivedEnvelope[],
  gatheredAt: number,
): Promise<JobData> {
  return {
    format: 1,
    batchId: randomUUID(),
    gatheredAt,
    accepted: countAccepted(envelopes),
    envelopes: await packEnvelopes(envelopes),
  };
}

/** @returns the form in which envelopes travel, see JobData */
export async function packEnvelopes(envelopes: readonly ReceivedEnvelope[]): Promise<string> {
  const json = Buffer.from(JSON.stringify(envelopes));
  const deflated =
    json.length < SMALL_BYTES ? deflateRawSync(json, DEFLATE) : await deflateInPool(json, DEFLATE);
  return deflated.toString('base64');
}

/** @throws UnreadableJob, or an Error where another version may read it */
export function unpackBatch(data: unknown): EnvelopeBatch {
  const job = data as Partial<JobData> | null;
  if (job?.format !== undefined && job.format !== 1) {
    // While a fleet of workers is upgraded; a newer one will read it.
    throw new Error('The job has a format that this version does not support.');
  }
  if (typeof job?.envelopes !== 'string') throw new UnreadableJob('The job contains no envelopes.');
  try {
    const deflated = Buffer.from(job.envelopes, 'base64');
    const json = inflateRawSync(deflated, INFLATE);
    const envelopes = JSON.parse(json.toString('utf8')) as ReceivedEnvelope[];
    const { batchId, gatheredAt, accepted } = job as JobData;
    return { batchId, gatheredAt, accepted, envelopes };
  } catch (cause) {
    throw new UnreadableJob('The envelopes of the job cannot be unpacked.', { cause });
  }
}

function countAccepted(envelopes: readonly ReceivedEnvelope[]): AcceptedCount[] {
  const counts = new Map<string, AcceptedCount>();
  for (const { product, receivedAt } of envelopes) {
    const hour = hourOf(receivedAt);
    const key = `${hour} ${product}`;
    const counted = counts.get(key);
    if (counted) counted.count += 1;
    else counts.set(key, { product, hour, count: 1 });
  }
  return [...counts.values()];
}
