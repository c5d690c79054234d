import { canonicalTime, observeTime, parseTimestamp } from './clock.js';
import type { EventEnvelope, ReceivedEnvelope, UnidentifiedEnvelope } from './envelope.js';
import { unidentified } from './envelope.js';
import { canonicalJson, eventKey } from './identity.js';
import { keepEvent, safeEventName } from './keep-event.js';
import { beyondDropped, limitDefects, MAX_DROPPED, truncatePath } from './limit-defects.js';
import type {
  DeletionRequest,
  EmptyEvent,
  KeptEvent,
  NormalisedEvent,
  QuarantinedEvent,
  ReplayedEvent,
  UnderstoodEvent,
  UnidentifiedEvent,
} from './normalised-event.js';
import { isPlaceholder } from './placeholders.js';
import type { KeepRules } from './privacy/redact.js';
import { asVersion } from './privacy/tokens.js';
import type { Decisions } from './policy.js';
import type { Products } from './products/index.js';
import {
  withDropped,
  type EventKind,
  type Product,
  type ReadEvent,
  type ReportContent,
} from './report.js';
import type { Defect, Rejection } from './vocabulary.js';

/** An envelope whose key is known if the event is replayed. */
interface KeyedEnvelope extends EventEnvelope {
  eventKey?: string;
}

export interface NormaliseOptions {
  products: Products;
  /** The age beyond which an event's time is not trusted, in milliseconds. */
  retentionMs: number;
  /** Blocks and self-erasure, as set by administrators. */
  decisions?: Decisions;
}

/** Unknown events keep no text. */
const KEEP_NO_TEXT: KeepRules = { keepText: () => null, knows: () => false };

/**
 * Turns an envelope into what will be stored of it. Total: every envelope has a fate. Pure: the same envelope gives
 * the same rows, on every worker and at every attempt.
 */
export function normalise(envelope: ReceivedEnvelope, options: NormaliseOptions): NormalisedEvent {
  if ('empty' in envelope) return emptyEvent(envelope);
  const { product, receivedAt } = envelope;
  if ('suppressed' in envelope) return { fate: 'suppressed', product, receivedAt };
  if ('blocked' in envelope) return { fate: 'blocked', product, receivedAt };
  if ('rejection' in envelope) return unidentifiedEvent(envelope);
  if (isPlaceholder(envelope.installationId)) return withoutInstallation(envelope);
  if (options.decisions?.asksForErasure(envelope)) {
    const { installationId, formerIds } = envelope;
    const request: DeletionRequest = { fate: 'suppressed', product, receivedAt, installationId };
    if (formerIds) request.formerIds = formerIds;
    return request;
  }
  return readEvent(envelope, options);
}

const PLACEHOLDER: Rejection = { reason: 'installation_id_placeholder', path: 'installationId' };

/** An event that an earlier release of ingest accepted with a placeholder as its installation id. */
function withoutInstallation({ receivedAt, product, properties }: EventEnvelope) {
  return unidentifiedEvent(unidentified(PLACEHOLDER, properties, { receivedAt, product }));
}

/**
 * Replays a stored event by the current rules. Its id was not stored, so the caller passes its key, which its
 * duplicates share.
 */
export function normaliseKept(
  kept: KeptEvent,
  eventKey: string,
  options: NormaliseOptions,
): ReplayedEvent {
  return readEvent({ ...kept, eventKey }, options);
}

function readEvent(envelope: KeyedEnvelope, options: NormaliseOptions): ReplayedEvent {
  try {
    if (options.decisions?.isBlocked(envelope)) {
      const { product, receivedAt } = envelope;
      return { fate: 'blocked', product, receivedAt };
    }
    if (isPlaceholder(envelope.installationId)) return quarantine(envelope, PLACEHOLDER, options);
    return normaliseEvent(envelope, options);
  } catch {
    // A bug in reading one event must not block the others. A fixed release can replay it.
    return quarantine(envelope, { reason: 'normaliser_failed', path: '' }, options);
  }
}

function normaliseEvent(envelope: KeyedEnvelope, options: NormaliseOptions): ReplayedEvent {
  if (envelope.isTooLarge) {
    return quarantine(envelope, { reason: 'event_too_large', path: '' }, options);
  }
  const product = options.products.get(envelope.product);
  const eventKind = product?.find(envelope.event);
  if (!product || !eventKind) {
    return quarantine(envelope, { reason: 'unknown_event', path: 'event' }, options);
  }
  const found = eventKind.read(envelope.properties, envelope);
  const { content, defects } = found;
  if (content === 'empty') return emptyEvent(envelope);
  if (!content) {
    const path = truncatePath(defects[0]?.path ?? 'properties');
    const rejection = { reason: 'nothing_usable', path } as const;
    return quarantine(envelope, rejection, options, eventKind);
  }
  return understood(envelope, { ...found, content }, { product, eventKind, options });
}

interface Understanding {
  product: Product;
  eventKind: EventKind;
  options: NormaliseOptions;
}

function understood(
  envelope: KeyedEnvelope,
  { content, defects, dropped = [] }: ReadEvent & { content: ReportContent },
  { product, eventKind, options }: Understanding,
): UnderstoodEvent {
  const description = product.describe(envelope.properties, envelope.version);
  const time = observeEnvelope(envelope, options);
  const { product: name, installationId, formerIds, receivedAt, key } = envelope;
  const event: UnderstoodEvent = {
    fate: 'stored',
    product: name,
    installationId,
    eventKey: keyOf(envelope),
    receivedAt,
    kind: eventKind.kind,
    snapshot: withDropped(content.snapshot, dropped.slice(0, MAX_DROPPED)),
    observedAt: time.observedAt,
    clock: time.clock,
    description: description.content,
    describes: eventKind.describes,
    defects: limitDefects([
      ...defects,
      ...description.defects,
      ...time.defects,
      ...beyondDropped(dropped),
    ]),
    keep: () => keepEvent(envelope, eventKind, options),
  };
  // This runs for every event, and conditional spreads are slow.
  if (formerIds) event.formerIds = formerIds;
  if (key !== undefined) event.key = key;
  if (content.resources) event.resources = content.resources;
  if (content.visitor) event.visitor = content.visitor;
  if (content.consent) event.consent = content.consent;
  return event;
}

function emptyEvent({ product, receivedAt }: { product: string; receivedAt: number }): EmptyEvent {
  return { fate: 'empty', product, receivedAt };
}

/** The position in the batch is removed from the path, because it would create a row for each position. */
function unidentifiedEvent(envelope: UnidentifiedEnvelope): UnidentifiedEvent {
  const { rejection, keys, key: _, ...receipt } = envelope;
  const path = rejection.path.replace(/^batch\[\d+\]$/, 'batch[]');
  const sorted = keys.map((key) => key.replaceAll('\u0000', '').toWellFormed()).sort();
  return { fate: 'unidentified', ...receipt, rejection: { ...rejection, path }, keys: sorted };
}

/**
 * Quarantines an event for the given reason. Its version is stored in the envelope, because the property that it may
 * have come from is not stored.
 */
function quarantine(
  envelope: KeyedEnvelope,
  rejection: Rejection,
  options: NormaliseOptions,
  rules: KeepRules = KEEP_NO_TEXT,
): QuarantinedEvent {
  const version = versionOf(envelope, options);
  const { product, installationId, formerIds, receivedAt } = envelope;
  const quarantined: QuarantinedEvent = {
    fate: 'quarantined',
    product,
    installationId,
    eventKey: keyOf(envelope),
    receivedAt,
    observedAt: observeEnvelope(envelope, options).observedAt,
    reason: rejection.reason,
    path: rejection.path,
    event: safeEventName(envelope, options),
    version,
    keep: () => keepEvent(version === null ? envelope : { ...envelope, version }, rules, options),
  };
  if (formerIds) quarantined.formerIds = formerIds;
  return quarantined;
}

/** The product's version, as the product reads it. A bug in reading it must not lose the event. */
function versionOf(
  { product, properties, version }: EventEnvelope,
  { products }: NormaliseOptions,
): string | null {
  try {
    const description = products.get(product)?.describe(properties, version);
    return description ? description.content.version : asVersion(version);
  } catch {
    return asVersion(version);
  }
}

function observeEnvelope(envelope: EventEnvelope, { retentionMs }: NormaliseOptions) {
  const occurredAt = parseTimestamp(envelope.occurredAt);
  const sentAt = parseTimestamp(envelope.sentAt);
  const defects: Defect[] = [];
  if (occurredAt === null && envelope.occurredAt !== undefined) {
    defects.push({ path: 'timestamp', reason: 'not_a_timestamp' });
  }
  if (sentAt === null && envelope.sentAt !== undefined) {
    defects.push({ path: 'sentAt', reason: 'not_a_timestamp' });
  }
  const { receivedAt } = envelope;
  return { ...observeTime({ occurredAt, sentAt, receivedAt, retentionMs }), defects };
}

/** Duplicates have the same agent's id; without an id, the same content and time. */
function keyOf(envelope: KeyedEnvelope): string {
  const { eventKey: known, id, product, event, occurredAt, properties } = envelope;
  if (known !== undefined) return known;
  if (id !== undefined) return eventKey(product, 'id', id);
  const time = canonicalTime(occurredAt) ?? occurredAt ?? '';
  return eventKey(product, 'content', event, time, canonicalJson(properties));
}
