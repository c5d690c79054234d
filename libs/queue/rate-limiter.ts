import { createHmac } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { EventLimits } from '#telemetry';
import type { RedisConnections } from './connection.js';
import { withTimeout } from './with-timeout.js';
import { asUnavailable } from './unavailable.js';

export interface RateLimiterOptions {
  /** How long Redis may take, in milliseconds. */
  timeoutMs: number;
  /** The key with which ids of installations are hashed. */
  identityKey: string;
}

/** The events of one request, by the limit that they count against. */
export interface LimitedRequest {
  product: string;
  limits: EventLimits;
  /** SHA-256 of the write key, in hex. */
  keyDigest: string;
  /** Events of each installation. */
  installations: ReadonlyMap<string, number>;
  /** Events without one: they count for the key. */
  others: number;
  /** Whether the events of some installations may be taken without those of others. */
  isDivisible: boolean;
}

/** How long to wait, in milliseconds; 0 if accepted. */
export interface Waits {
  /** For the request as a whole. */
  keyMs: number;
  /** For the events of those installations that are over their limit. */
  installationMs: ReadonlyMap<string, number>;
}

const WINDOW_MS = 60_000;

/**
 * Counts and decides in one step, so that replicas share a limit exactly. A minute begins with its first event, and
 * its counter expires with it. While anything is left, a request is accepted whole: otherwise a request larger than
 * the limit would never be accepted. KEYS: the counter of the key, those of the installations. ARGV: the limits of a
 * key and of an installation (0: none), 1 for a divisible request, the length of a minute, events without an
 * installation, events of each installation.
 */
const TAKE = `
  local keyLimit, limit, windowMs = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
  local function waitMs(counter, most)
    if most == 0 or tonumber(redis.call('GET', counter) or '0') < most then return 0 end
    return math.max(redis.call('PTTL', counter), 1)
  end
  local function add(counter, count)
    if redis.call('INCRBY', counter, count) == count then redis.call('PEXPIRE', counter, windowMs) end
  end
  local waits = { waitMs(KEYS[1], keyLimit) }
  local isAnyOver, taken = waits[1] > 0, tonumber(ARGV[5])
  for i = 2, #KEYS do
    waits[i] = waitMs(KEYS[i], limit)
    if waits[i] == 0 then taken = taken + tonumber(ARGV[i + 4]) else isAnyOver = true end
  end
  if waits[1] > 0 or (isAnyOver and ARGV[3] ~= '1') then return waits end
  for i = 2, #KEYS do
    if limit > 0 and waits[i] == 0 then add(KEYS[i], tonumber(ARGV[i + 4])) end
  end
  if keyLimit > 0 and taken > 0 then add(KEYS[1], taken) end
  return waits`;

type Take = (keyCount: number, ...rest: (string | number)[]) => Promise<number[]>;

/** Counts the events of keys and installations per minute, across all replicas. */
export class RateLimiter {
  readonly #redis: Redis & { takeEvents: Take };
  readonly #prefix: string;
  readonly #options: RateLimiterOptions;

  constructor({ failFast, prefix }: RedisConnections, options: RateLimiterOptions) {
    this.#prefix = prefix;
    this.#options = options;
    failFast.defineCommand('takeEvents', { lua: TAKE });
    this.#redis = failFast as Redis & { takeEvents: Take };
  }

  /**
   * Counts the accepted events of a request, and returns how long to wait with the others. An indivisible request
   * is accepted or rejected as a whole.
   * @throws QueueUnavailable within the time limit
   */
  async take(request: LimitedRequest): Promise<Waits> {
    const { limits, installations, keyDigest, product } = request;
    const ids = [...installations.keys()];
    const waits = await this.#ask(
      [this.#counter(`k:${keyDigest.slice(0, 32)}`), ...ids.map((id) => this.#nameOf(product, id))],
      [
        limits.eventsPerMinutePerKey ?? 0,
        limits.eventsPerMinutePerInstallation ?? 0,
        request.isDivisible ? 1 : 0,
        WINDOW_MS,
        request.others,
        ...installations.values(),
      ],
    );
    const [keyMs = 0, ...others] = waits;
    const over = ids.flatMap((id, at) => {
      const ms = others[at] ?? 0;
      return ms > 0 ? [[id, ms] as const] : [];
    });
    return { keyMs, installationMs: new Map(over) };
  }

  async #ask(counters: string[], args: number[]): Promise<number[]> {
    try {
      const asked = this.#redis.takeEvents(counters.length, ...counters, ...args);
      return await withTimeout(asked, this.#options.timeoutMs);
    } catch (error) {
      throw asUnavailable(error);
    }
  }

  /** Redis only gets a keyed hash of an installation's id. */
  #nameOf(product: string, installationId: string): string {
    const hmac = createHmac('sha256', this.#options.identityKey);
    const hash = hmac.update(`limit\0${product}\0${installationId}`).digest('base64url');
    return this.#counter(`i:${hash.slice(0, 22)}`);
  }

  #counter(name: string): string {
    return `${this.#prefix}:limit:${name}`;
  }
}
