import type { Redis } from 'ioredis';
import { noPolicy, type Policy } from '#telemetry';
import type { RedisConnections } from '../connection.js';
import { withTimeout } from '../with-timeout.js';
import { policyKey, readDocument } from './document.js';

export interface PolicyFollowerOptions {
  /** Called for every new policy. */
  onPolicy: (policy: Policy) => void;
  /** Called once for a policy that cannot be read. The previous policy stays in force. */
  onUnknown: (error: Error) => void;
  /** Whether a missing policy always counts as lost: then keys come from nowhere else. */
  isRequired: boolean;
}

/**
 * How the last look went. absent: Redis has no policy, because none was published yet. unread: it could not be
 * read or understood, or Redis has lost it; the last good one stays in force.
 */
export type PolicyState = 'read' | 'absent' | 'unread';

const POLL_MS = 1000;
const TIMEOUT_MS = 1000;
/** A worker that was cut from Redis as well is back after a second, and publishes after another. */
const PUBLISHED_WITHIN_MS = 3000;

/**
 * Follows the policy in processes without a database. Reads Redis once a second, and keeps the last valid policy
 * while Redis is unavailable or has lost it.
 *
 * Workers publish a policy even where administrators have decided nothing. So a missing one is lost where this
 * process has read one before, and otherwise until Redis has been without one for longer than workers need.
 */
export class PolicyFollower {
  readonly #redis: Redis;
  readonly #options: PolicyFollowerOptions;
  readonly #key: string;
  #revision = noPolicy.revision;
  #unknown: string | null = null;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<boolean> | null = null;
  #state: PolicyState = 'unread';
  #hasRead = false;
  #hasPolicy = false;
  #startsUntil = -Infinity;
  /** When a missing policy counts as never published, by performance.now(); null until Redis first lacks it. */
  #absentFrom: number | null = null;

  constructor(redis: RedisConnections, options: PolicyFollowerOptions) {
    this.#options = options;
    this.#redis = redis.failFast;
    this.#key = policyKey(redis.prefix);
  }

  /** Waits for the first policy, for at most `limitMs`, and follows it from then on. */
  async start(limitMs: number): Promise<void> {
    this.#timer = setInterval(() => void this.look(), POLL_MS);
    const until = performance.now() + limitMs;
    this.#startsUntil = until;
    while (!(await this.look()) && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await this.look();
  }

  get state(): PolicyState {
    return this.#state;
  }

  /** Whether it was known once what Redis has; what was read stays in force. */
  get hasRead(): boolean {
    return this.#hasRead;
  }

  /** Looks now, or waits for the look under way. Never rejects. @returns whether Redis has a policy */
  look(): Promise<boolean> {
    this.#looking ??= withTimeout(this.#examine(), TIMEOUT_MS)
      .then((isThere) => {
        this.#state = this.#stateOf(isThere);
        this.#hasRead ||= this.#state !== 'unread';
        return isThere;
      })
      .catch(() => {
        this.#state = 'unread'; // the connection reconnects by itself and reports its errors
        return false;
      })
      .finally(() => (this.#looking = null));
    return this.#looking;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #stateOf(isThere: boolean): PolicyState {
    this.#hasPolicy ||= isThere;
    if (isThere) return this.#unknown === null ? 'read' : 'unread';
    const now = performance.now();
    this.#absentFrom ??= now < this.#startsUntil ? this.#startsUntil : now + PUBLISHED_WITHIN_MS;
    const isLost = this.#options.isRequired || this.#hasPolicy;
    return isLost || now < this.#absentFrom ? 'unread' : 'absent';
  }

  async #examine(): Promise<boolean> {
    const found = await this.#redis.hget(this.#key, 'revision');
    if (found === null) return false;
    if (Number(found) <= this.#revision) {
      this.#unknown = null;
      return true;
    }
    const fields = await this.#redis.hmget(this.#key, 'format', 'revision', 'document');
    const [format = null, revision = null, document = null] = fields;
    this.#take({ format, revision: Number(revision), document });
    return true;
  }

  #take(fields: Parameters<typeof readDocument>[0]): void {
    try {
      const policy = readDocument(fields);
      // Ignore an older revision: its publisher had not seen the newer one yet.
      if (policy.revision <= this.#revision) return;
      this.#options.onPolicy(policy);
      this.#revision = policy.revision;
      this.#unknown = null;
    } catch (error) {
      const unknown = `${fields.format} ${fields.revision}`;
      if (unknown !== this.#unknown) this.#options.onUnknown(error as Error);
      this.#unknown = unknown;
    }
  }
}
