import type { LimitedRequest, RateLimiter } from '#queue';
import type { ReceivedEnvelope } from '#telemetry';
import type { EdgePolicy } from './edge-policy.js';
import { RateLimited } from './errors.js';
import type { Sender } from './write-keys.js';

/** The events of a request that exceed a limit, and when to retry them. */
export interface Over {
  envelopes: ReadonlySet<ReceivedEnvelope>;
  /** Null if none exceeds a limit. */
  limited: RateLimited | null;
}

export const NONE_OVER: Over = { envelopes: new Set(), limited: null };

/** Counts the events of requests against the limits of their product. */
export class Limits {
  constructor(
    private readonly limiter: RateLimiter,
    private readonly policy: EdgePolicy,
  ) {}

  /**
   * Counts the events of a request that are within the limits; of an indivisible request, all or none. Blocked events
   * do not count, because they are dropped.
   * @returns the events that exceed a limit
   * @throws QueueUnavailable
   */
  async take(
    sender: Sender,
    envelopes: readonly ReceivedEnvelope[],
    isDivisible: boolean,
  ): Promise<Over> {
    const limits = this.policy.limitsOf(sender.product);
    const counted = limits ? envelopes.filter((it) => !('blocked' in it)) : [];
    if (!limits || counted.length === 0) return NONE_OVER;
    const request = { ...sender, limits, isDivisible, ...countEvents(counted) };
    const { keyMs, installationMs } = await this.limiter.take(request);
    const waitMs = Math.max(keyMs, ...installationMs.values());
    if (waitMs === 0) return NONE_OVER;
    const isWholeOver = keyMs > 0 || !isDivisible;
    const over = isWholeOver
      ? counted
      : counted.filter((it) => 'installationId' in it && installationMs.has(it.installationId));
    return { envelopes: new Set(over), limited: new RateLimited(waitMs) };
  }
}

function countEvents(
  envelopes: readonly ReceivedEnvelope[],
): Pick<LimitedRequest, 'installations' | 'others'> {
  const installations = new Map<string, number>();
  let others = 0;
  for (const envelope of envelopes) {
    if (!('installationId' in envelope)) others += 1;
    else {
      const { installationId } = envelope;
      installations.set(installationId, (installations.get(installationId) ?? 0) + 1);
    }
  }
  return { installations, others };
}
