import type { EventEnvelope, ReceivedEnvelope } from './envelope.js';
import { asVersion } from './privacy/tokens.js';
import type { Products } from './products/index.js';

/** What administrators have decided of who may send, how much, and what is dropped. */
export interface Policy {
  /** Raised by every change. */
  revision: number;
  keys: readonly KnownKey[];
  /** Those of which something was decided. */
  products: readonly ProductPolicy[];
  blocks: readonly BlockRule[];
}

/** A write key, known by its digest. */
export interface KnownKey {
  /** SHA-256 of the key, in lower-case hex. */
  digest: string;
  product: string;
  /** From when on it is refused, in milliseconds since 1970; null for never. */
  endsAt: number | null;
}

export interface ProductPolicy {
  product: string;
  limits: EventLimits;
  /** Whether an installation may ask for its own erasure, with an event. */
  selfErasure: boolean;
}

/** The most events in a minute; null for no limit. */
export interface EventLimits {
  eventsPerMinutePerKey: number | null;
  eventsPerMinutePerInstallation: number | null;
}

/** Drops events of this name, of this version of the product, or of both. */
export interface BlockRule {
  product: string;
  event: string | null;
  version: string | null;
}

/** What holds before an administrator has decided anything. */
export const noPolicy: Policy = { revision: 0, keys: [], products: [], blocks: [] };

/** A policy as far as it decides what becomes of an event. */
export interface Decisions {
  /** Whether the event is acknowledged and dropped. */
  isBlocked(envelope: ReceivedEnvelope): boolean;
  /** Whether its installation asks for its own erasure, and may. */
  asksForErasure(envelope: EventEnvelope): boolean;
}

/** With this event an installation asks for its own erasure. */
export const DELETION_REQUEST = 'deletion_request';

export function decisionsOf(policy: Policy, products: Products): Decisions {
  const blocks = new Map<string, BlockRule[]>();
  for (const rule of policy.blocks) {
    blocks.set(rule.product, [...(blocks.get(rule.product) ?? []), rule]);
  }
  const erasable = new Set(
    policy.products.filter(({ selfErasure }) => selfErasure).map(({ product }) => product),
  );
  return {
    isBlocked(envelope) {
      const rules = blocks.get(envelope.product);
      return rules !== undefined && 'event' in envelope && isBlockedBy(rules, envelope, products);
    },
    asksForErasure: ({ product, event }) => event === DELETION_REQUEST && erasable.has(product),
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

/** The product's version, where the product has it and in the form in which it is stored. */
function versionOf({ product, properties, version }: EventEnvelope, products: Products) {
  const known = products.get(product);
  return known ? known.describe(properties, version).content.version : asVersion(version);
}
