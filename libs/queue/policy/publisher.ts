import type { Redis } from 'ioredis';
import type { Policy } from '#telemetry';
import { connectFailFast, type QueueOptions } from '../connection.js';
import { withTimeout } from '../with-timeout.js';
import { FORMAT, policyKey, writeDocument } from './document.js';

export interface PolicyPublisherOptions extends QueueOptions {
  /** Called when publishing starts to fail. It is retried. */
  onFailure: (error: Error) => void;
}

/** The source of the policy. */
export interface PolicySource {
  revision(): Promise<number>;
  read(): Promise<Policy>;
  /** Makes the revision higher than one that was published before. */
  overtake(published: number): Promise<void>;
}

/**
 * Two that publish at once may have read at different times: an older revision never takes the place of
 * a newer one. KEYS[1]: where; ARGV: format, revision, document.
 */
const PUBLISH = `
  local current = tonumber(redis.call('HGET', KEYS[1], 'revision'))
  if current and current >= tonumber(ARGV[2]) then return 0 end
  redis.call('HSET', KEYS[1], 'format', ARGV[1], 'revision', ARGV[2], 'document', ARGV[3])
  return 1`;

const TIMEOUT_MS = 1000;
const INTERVAL_MS = 1000;

/** Publishes the policy to Redis, where ingest reads it. */
export class PolicyPublisher {
  readonly #redis: Redis;
  readonly #key: string;
  readonly #source: PolicySource;
  readonly #options: PolicyPublisherOptions;
  #hasFailed = false;
  /** The source's revision as it was last read. */
  #revision: number | null = null;
  #timer: NodeJS.Timeout | undefined;
  #publishing: Promise<void> | null = null;

  constructor(source: PolicySource, options: PolicyPublisherOptions) {
    this.#source = source;
    this.#options = options;
    this.#redis = connectFailFast(options, TIMEOUT_MS);
    this.#key = policyKey(options.prefix);
  }

  /**
   * Publishes the policy if Redis has a different one: after a change, after Redis lost it, or after a process was
   * killed between change and publication.
   * @returns the published revision; null if Redis already had it
   * @throws if Redis or the source is unavailable
   */
  async reconcile(): Promise<number | null> {
    // Redis first: what stands there was committed before, so the source has it or a newer one.
    const published = await this.#published();
    const revision = await this.#source.revision();
    this.#revision = revision;
    if (published === revision) return null;
    if (published !== null && published > revision) await this.#source.overtake(published);
    const policy = await this.#source.read();
    this.#revision = policy.revision;
    const args = [FORMAT, policy.revision, writeDocument(policy)];
    const publishing = this.#redis.eval(PUBLISH, 1, this.#key, ...args);
    const isTaken = await withTimeout(publishing, TIMEOUT_MS);
    return isTaken === 1 ? policy.revision : null;
  }

  /** Waits for the connection, for a second at most. */
  async connected(): Promise<void> {
    if (this.#redis.status === 'ready') return;
    const ready = new Promise<void>((resolve) => this.#redis.once('ready', resolve));
    await withTimeout(ready, TIMEOUT_MS).catch(() => undefined);
  }

  /** Once a second looks at Redis, which may have lost the policy. Call `publish` after each change of the source. */
  start(): void {
    this.#timer = setInterval(() => {
      this.#publishing ??= this.#restore().finally(() => (this.#publishing = null));
    }, INTERVAL_MS);
  }

  /** Reconciles now. Never rejects: if it fails, a later round or another process publishes. */
  async publish(): Promise<void> {
    try {
      await this.reconcile();
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) this.#options.onFailure(error as Error);
      this.#hasFailed = true;
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#publishing;
    this.#redis.disconnect();
  }

  async #restore(): Promise<void> {
    const published = await this.#published().catch(() => undefined);
    if (published === null || published !== this.#revision) await this.publish();
  }

  async #published(): Promise<number | null> {
    const revision = await withTimeout(this.#redis.hget(this.#key, 'revision'), TIMEOUT_MS);
    return revision === null ? null : Number(revision);
  }
}
