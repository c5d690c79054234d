import { parseTimestamp, safeTime } from './clock.js';
import type { EventEnvelope } from './envelope.js';
import type { KeptEvent } from './normalised-event.js';
import { isEventName, isReplaced, replaceName } from './privacy/keys.js';
import { redact, type KeepRules } from './privacy/redact.js';
import { asVersion } from './privacy/tokens.js';
import type { Products } from './products/index.js';

interface Rules {
  products: Products;
}

/**
 * What quarantine keeps of an event: without its ids, and with the properties that the rules allow.
 */
export function keepEvent(
  envelope: EventEnvelope & { eventKey?: string },
  rules: KeepRules,
  options: Rules,
): KeptEvent {
  const { id: _, eventKey: __, formerIds: ___, ...kept } = envelope;
  const { event: ____, occurredAt, sentAt, version, properties, ...rest } = kept;
  return {
    ...rest,
    event: safeEventName(envelope, options),
    ...(parseTimestamp(occurredAt) !== null && { occurredAt: safeTime(occurredAt ?? '') }),
    ...(parseTimestamp(sentAt) !== null && { sentAt: safeTime(sentAt ?? '') }),
    ...(asVersion(version) !== null && { version }),
    properties: redact(properties, rules),
  };
}

/** Replaces an event name by its length, because agents may put anything there, such as a person's name. */
export function safeEventName({ product, event }: EventEnvelope, { products }: Rules): string {
  const isKept = products.get(product)?.keepsName(event) ?? isEventName(event);
  return isKept || isReplaced(event) ? event : replaceName(event);
}
