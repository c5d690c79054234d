import type { EventEnvelope, ReceivedEnvelope } from './envelope.js';
import { asVersion } from './privacy/tokens.js';
import type { Products } from './products/index.js';

/** Write keys, limits and blocks, as set by administrators. */
export interface Policy {
  /** Raised by every change. */
  revision: number;
  keys: readonly KnownKey[];
  /** Only products with settings. */
  products: readonly ProductPolicy[];
  blocks: readonly BlockRule[];
}

/** A write key, identified by its digest. */
export interface KnownKey {
  /** SHA-256 of the key, in lower-case hex. */
  digest: string;
  product: string;
  /** When it expires, in milliseconds since 1970; null for never. */
  endsAt: number | null;
}

export interface ProductPolicy {
  product: string;
  limits: EventLimits;
  /** Whether an installation may request its own erasure with an event. */
  selfErasure: boolean;
}

/** The maximum number of events per minute; null for no limit. */
export interface EventLimits {
  eventsPerMinutePerKey: number | null;
  eventsPerMinutePerInstallation: number | null;
}

/**
 * Drops events of this name, of this version of the product, or of both. What an installation decides about its own
 * data is never dropped: opt-outs, opt-ins, and permitted deletion requests.
 */
export interface BlockRule {
  product: string;
  event: string | null;
  version: string | null;
}

/** The policy before an administrator has set anything. */
export const noPolicy: Policy = { revision: 0, keys: [], products: [], blocks: [] };

/** The decisions of a policy about single events. */
export interface Decisions {
  /** Whether the event is acknowledged and dropped. */
  isBlocked(envelope: ReceivedEnvelope): boolean;
  /** Whether its installation requests its own erasure and is allowed to. */
  asksForErasure(envelope: EventEnvelope): boolean;
}

/** The event with which an installation requests its own erasure. */
export const DELETION_REQUEST = 'deletion_request';

export function decisionsOf(policy: Policy, products: Products): Decisions {
  const blocks = new Map<string, BlockRule[]>();
  for (const rule of policy.blocks) {
    blocks.set(rule.product, [...(blocks.get(rule.product) ?? []), rule]);
  }
  const erasable = new Set(
    policy.products.filter(({ selfErasure }) => selfErasure).map(({ product }) => product),
  );
  const asksForErasure = ({ product, event }: EventEnvelope) =>
    event === DELETION_REQUEST && erasable.has(product);
  return {
    isBlocked(envelope) {
      const rules = blocks.get(envelope.product);
      if (rules === undefined || !('event' in envelope)) return false;
      if (!isBlockedBy(rules, envelope, products)) return false;
      return !asksForErasure(envelope) && !declaresConsent(envelope, products);
    },
    asksForErasure,
  };
}

function isBlockedBy(rules: readonly BlockRule[], envelope: EventEnvelope, products: Products) {
  let version: string | null | undefined;
  return rules.some((rule) => {
    if (rule.event !== null && rule.event !== envelope.event) return false;
    if (rule.version === null) return true;
    version ??= versionOf(envelope, products);
    return rule.version === version;
  });
}

function declaresConsent({ product, event }: EventEnvelope, products: Products): boolean {
  return products.get(product)?.find(event)?.consent !== undefined;
}

/** The product's version as the product describes it, in stored form. */
function versionOf({ product, properties, version }: EventEnvelope, products: Products) {
  const known = products.get(product);
  return known ? known.describe(properties, version).content.version : asVersion(version);
}
