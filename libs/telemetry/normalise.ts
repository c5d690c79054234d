import type { Clock } from './clock.js';
import { canonicalTime, observe, parseTimestamp, safeTime } from './clock.js';
import type { EventEnvelope, ReceivedEnvelope, UnidentifiedEnvelope } from './envelope.js';
import { unidentified } from './envelope.js';
import { canonicalJson, eventKey } from './identity.js';
import { isPlaceholder } from './placeholders.js';
import { isEventName, isReplaced } from './privacy/keys.js';
import { redact, type KeepRules } from './privacy/redact.js';
import { asVersion } from './privacy/tokens.js';
import type { Decisions } from './policy.js';
import type { Products } from './products/index.js';
import type { InstallationDescription, ReportContent, ReportKind } from './report.js';
import { withDropped } from './report.js';
import type { Defect, Properties, Rejection } from './vocabulary.js';

/** What tells an event from all others, which of its copies counts, and when it happened. */
export interface EventIdentity {
  product: string;
  installationId: string;
  /** See `EventEnvelope`. */
  formerIds?: readonly string[];
  /** See `eventKey`. */
  eventKey: string;
  /** In milliseconds since 1970. Of several copies, the one received first counts. */
  receivedAt: number;
  /** In milliseconds since 1970. */
  observedAt: number;
}

/**
 * An event as it may be kept: whatever no rule allows of its text is replaced by its length. It has no
 * id any more, for an id may be anything; its key stands beside it.
 */
export type KeptEvent = Omit<EventEnvelope, 'id' | 'formerIds'>;

/** An event with the key that it has already, or that is to be found. */
interface KeyedEnvelope extends EventEnvelope {
  eventKey?: string;
}

interface Kept {
  /** What is kept of the event, to be read again, where something had to be left out of it. */
  keep: () => KeptEvent;
}

/** An event whose rows can be stored. */
export interface UnderstoodEvent extends EventIdentity, ReportContent, Kept {
  fate: 'stored';
  kind: ReportKind;
  clock: Clock;
  /** What it says of its installation. */
  description: InstallationDescription;
  /** Whether the installation is described by it. */
  describes: boolean;
  /** Which write key sent it; undefined where its job did not say. */
  key?: string | undefined;
  defects: Defect[];
}

/** An event of a known installation of which nothing can be used: kept aside, to be replayed. */
export interface QuarantinedEvent extends EventIdentity, Rejection, Kept {
  fate: 'quarantined';
  event: string;
  /** The product's version that the event names; null where it names none. */
  version: string | null;
}

/** An event without an installation: counted under its reason, with its keys. */
export interface UnidentifiedEvent extends UnidentifiedEnvelope {
  fate: 'unidentified';
}

export interface EmptyEvent {
  fate: 'empty';
  product: string;
  receivedAt: number;
}

/** An event of which only its fate is left. */
export interface SuppressedEvent {
  fate: 'suppressed';
  product: string;
  receivedAt: number;
}

/** An event with which an installation asks for its own erasure. Nothing else of it is kept. */
export interface DeletionRequest extends SuppressedEvent {
  installationId: string;
  /** See `EventEnvelope`. */
  formerIds?: readonly string[];
}

export interface BlockedEvent {
  fate: 'blocked';
  product: string;
  receivedAt: number;
}

/** What may become of an event of a known installation, at first and when it is replayed. */
export type ReplayedEvent = UnderstoodEvent | QuarantinedEvent | EmptyEvent | BlockedEvent;

export type NormalisedEvent = ReplayedEvent | UnidentifiedEvent | SuppressedEvent | DeletionRequest;

/** What a normaliser works by. */
export interface NormaliseOptions {
  products: Products;
  /** The age from which on an event's own clock is no longer believed, in milliseconds. */
  retentionMs: number;
  /** What administrators have decided; nothing when not given. */
  decisions?: Decisions;
}

/** Of an event that nobody knows no text is kept. */
const NOTHING: KeepRules = { keepText: () => null, knows: () => false };

const MAX_DEFECTS = 100;
const MAX_DROPPED = 100;
const MAX_PATH_LENGTH = 300;

/**
 * Turns an envelope into what will be stored of it. Total: whatever the envelope holds, it has a
 * fate. Pure: the same envelope gives the same rows, on every worker and at every repetition.
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

/** An event that an ingest of an earlier release took for one of an installation. */
function withoutInstallation({ receivedAt, product, properties }: EventEnvelope) {
  return unidentifiedEvent(unidentified(PLACEHOLDER, properties, { receivedAt, product }));
}

/**
 * Reads an event again from what was kept of it, by the rules of today. Of its id only its key is left:
 * it is the one that its repetitions will have.
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
    // A fault of ours in reading one event must not hold up the others; a release will replay it.
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
  const properties: Properties = envelope.properties;
  const { content, defects, dropped = [] } = eventKind.read(properties, envelope);
  if (content === 'empty') return emptyEvent(envelope);
  if (!content) {
    const path = boundPath(defects[0]?.path ?? 'properties');
    const rejection = { reason: 'nothing_usable', path } as const;
    return quarantine(envelope, rejection, options, eventKind);
  }
  const description = product.describe(properties, envelope.version);
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
    defects: boundDefects([
      ...defects,
      ...description.defects,
      ...time.defects,
      ...beyondDropped(dropped),
    ]),
    keep: () => keep(envelope, eventKind),
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

/** Which place in its batch the event had says nothing, and would make a row of each. */
function unidentifiedEvent(envelope: UnidentifiedEnvelope): UnidentifiedEvent {
  const { rejection, keys, key: _, ...receipt } = envelope;
  const path = rejection.path.replace(/^batch\[\d+\]$/, 'batch[]');
  const sorted = keys.map((key) => key.replaceAll('\u0000', '').toWellFormed()).sort();
  return { fate: 'unidentified', ...receipt, rejection: { ...rejection, path }, keys: sorted };
}

/**
 * Keeps an event aside for the given reason. Its version is kept with the envelope, for the property
 * that it may have come from is not.
 */
function quarantine(
  envelope: KeyedEnvelope,
  rejection: Rejection,
  options: NormaliseOptions,
  rules: KeepRules = NOTHING,
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
    event: safeEvent(envelope.event),
    version,
    keep: () => keep(version === null ? envelope : { ...envelope, version }, rules),
  };
  if (formerIds) quarantined.formerIds = formerIds;
  return quarantined;
}

/** The product's version, as the product reads it. A fault in reading it costs only what it would say. */
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

function keep(envelope: KeyedEnvelope, rules: KeepRules): KeptEvent {
  const { id: _, eventKey: __, formerIds: ___, ...kept } = envelope;
  const { event, occurredAt, sentAt, version, properties, ...rest } = kept;
  return {
    ...rest,
    event: safeEvent(event),
    ...(parseTimestamp(occurredAt) !== null && { occurredAt: safeTime(occurredAt ?? '') }),
    ...(parseTimestamp(sentAt) !== null && { sentAt: safeTime(sentAt ?? '') }),
    ...(asVersion(version) !== null && { version }),
    properties: redact(properties, rules),
  };
}

/** An agent may call an event anything, a person included: what is no event's name becomes its length. */
function safeEvent(event: string): string {
  return isEventName(event) || isReplaced(event) ? event : `[${event.length}]`;
}

/** Names of properties beyond those that are stored are a defect with their number. */
function beyondDropped(dropped: readonly string[]): Defect[] {
  const leftOut = dropped.length - MAX_DROPPED;
  return leftOut > 0 ? [{ path: '', reason: 'too_many_dropped', leftOut }] : [];
}

/**
 * One defect for each place and reason, with the number of readings that it stands for: of a list, several
 * items may have the same. An event of nonsense would otherwise make thousands of rows, so those beyond a
 * bound are counted in one.
 */
function boundDefects(defects: Defect[]): Defect[] {
  if (defects.length === 0) return defects;
  const merged = new Map<string, Required<Defect>>();
  for (const { path: whole, reason, leftOut = 1 } of defects) {
    const path = boundPath(whole);
    const same = merged.get(`${reason} ${path}`);
    if (same) same.leftOut += leftOut;
    else merged.set(`${reason} ${path}`, { path, reason, leftOut });
  }
  const all = [...merged.values()];
  if (all.length > MAX_DEFECTS) {
    // What stands for many readings comes first, so that their number is not lost among the rest.
    all.sort((a, b) => b.leftOut - a.leftOut);
    const leftOut = all.splice(MAX_DEFECTS).reduce((sum, defect) => sum + defect.leftOut, 0);
    all.push({ path: '', reason: 'too_many_defects', leftOut });
  }
  return all.map(({ leftOut, ...defect }) => (leftOut > 1 ? { ...defect, leftOut } : defect));
}

/** Senders choose keys, so a path may be as long as an event. One that was cut ends in `…`. */
function boundPath(path: string): string {
  return path.length > MAX_PATH_LENGTH ? `${path.slice(0, MAX_PATH_LENGTH - 1)}…` : path;
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
  return { ...observe({ occurredAt, sentAt, receivedAt, retentionMs }), defects };
}

/** The agent's id tells repetitions; without one, the same content at the same time is the same event. */
function keyOf(envelope: KeyedEnvelope): string {
  const { eventKey: known, id, product, event, occurredAt, properties } = envelope;
  if (known !== undefined) return known;
  if (id !== undefined) return eventKey(product, 'id', id);
  const time = canonicalTime(occurredAt) ?? occurredAt ?? '';
  return eventKey(product, 'content', event, time, canonicalJson(properties));
}
