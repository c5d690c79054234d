import type { Clock } from './clock.js';
import { observe, parseTimestamp } from './clock.js';
import { dcos } from './dcos/index.js';
import type { EventEnvelope, ReceivedEnvelope, UnidentifiedEnvelope } from './envelope.js';
import { eventKey } from './identity.js';
import { cleanText } from './readings.js';
import type {
  InstallationDescription,
  ProductDeclaration,
  ReportContent,
  ReportKind,
} from './report.js';
import type { Defect, Properties, Rejection } from './vocabulary.js';

/** What tells an event from all others, which of its copies counts, and when it happened. */
export interface EventIdentity {
  product: string;
  installationId: string;
  /** See `eventKey`. */
  eventKey: string;
  /** In milliseconds since 1970. Of several copies, the one received first counts. */
  receivedAt: number;
  /** In milliseconds since 1970. */
  observedAt: number;
}

/** An event whose rows can be stored. */
export interface UnderstoodEvent extends EventIdentity, ReportContent {
  fate: 'stored';
  kind: ReportKind;
  clock: Clock;
  version: string | null;
  description: InstallationDescription | null;
  defects: Defect[];
  /** The event as received. Kept, to be read again, where something had to be left out. */
  original: EventEnvelope;
}

/** An event of a known installation of which nothing can be used: kept aside, to be replayed. */
export interface QuarantinedEvent extends EventIdentity, Rejection {
  fate: 'quarantined';
  event: string;
  original: EventEnvelope;
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

export type NormalisedEvent = UnderstoodEvent | QuarantinedEvent | UnidentifiedEvent | EmptyEvent;

/** What an agent calls an event that nobody knows may be anything. */
const MAX_EVENT_LENGTH = 128;

const MAX_DEFECTS = 100;

const products = new Map<string, ProductDeclaration>([[dcos.product, dcos]]);

/**
 * Turns an envelope into what will be stored of it. Total: whatever the envelope holds, it has a
 * fate. Pure: the same envelope gives the same rows, on every worker and at every repetition.
 * `retentionMs` is the age from which on an event's own clock is no longer believed.
 */
export function normalise(envelope: ReceivedEnvelope, retentionMs: number): NormalisedEvent {
  if ('empty' in envelope) {
    return { fate: 'empty', product: envelope.product, receivedAt: envelope.receivedAt };
  }
  if ('rejection' in envelope) return { fate: 'unidentified', ...envelope };
  try {
    return normaliseEvent(envelope, retentionMs);
  } catch {
    // A fault of ours in reading one event must not hold up the others; a release will replay it.
    return quarantine(envelope, { reason: 'normaliser_failed', path: '' }, retentionMs);
  }
}

/** Keeps an event aside, as it came, for the given reason. */
export function quarantine(
  original: EventEnvelope,
  rejection: Rejection,
  retentionMs: number,
): QuarantinedEvent {
  const { observedAt } = observeEnvelope(original, retentionMs);
  const { event } = original;
  return {
    fate: 'quarantined',
    ...identify(original),
    observedAt,
    ...rejection,
    event: cleanText(event.slice(0, MAX_EVENT_LENGTH)),
    original,
  };
}

function normaliseEvent(envelope: EventEnvelope, retentionMs: number): NormalisedEvent {
  const product = products.get(envelope.product);
  const declared = product && Object.hasOwn(product.events, envelope.event);
  const eventKind = declared ? product.events[envelope.event] : undefined;
  if (!product || !eventKind) {
    return quarantine(envelope, { reason: 'unknown_event', path: 'event' }, retentionMs);
  }
  const { kind, read } = eventKind;
  const properties: Properties = envelope.properties;
  const { content, defects } = read(properties);
  if (!content) {
    const path = defects[0]?.path ?? 'properties';
    return quarantine(envelope, { reason: 'nothing_usable', path }, retentionMs);
  }
  const description = product.describe(kind, properties);
  const time = observeEnvelope(envelope, retentionMs);
  const version = product.versionOf(properties, envelope.version);
  return {
    fate: 'stored',
    ...identify(envelope),
    kind,
    ...content,
    observedAt: time.observedAt,
    clock: time.clock,
    version,
    description: description && { ...description.content, version },
    defects: boundDefects([...defects, ...(description?.defects ?? []), ...time.defects]),
    original: envelope,
  };
}

/** An event of nonsense would otherwise make thousands of rows; it is kept whole anyway. */
function boundDefects(defects: Defect[]): Defect[] {
  if (defects.length <= MAX_DEFECTS) return defects;
  return [...defects.slice(0, MAX_DEFECTS), { path: '', reason: 'too_many_defects' }];
}

function observeEnvelope(envelope: EventEnvelope, retentionMs: number) {
  const occurredAt = parseTimestamp(envelope.occurredAt);
  const sentAt = parseTimestamp(envelope.sentAt);
  const defects: Defect[] = [];
  if (occurredAt === null && envelope.occurredAt !== undefined) {
    defects.push({ path: 'timestamp', reason: 'not_a_timestamp' });
  }
  const { receivedAt } = envelope;
  return { ...observe({ occurredAt, sentAt, receivedAt, retentionMs }), defects };
}

function identify(envelope: EventEnvelope): Omit<EventIdentity, 'observedAt'> {
  const { product, installationId, receivedAt } = envelope;
  return { product, installationId, eventKey: keyOf(envelope), receivedAt };
}

/** The agent's id tells repetitions; without one, the same content at the same time is the same event. */
function keyOf({ id, product, event, occurredAt, properties }: EventEnvelope): string {
  if (id !== undefined) return eventKey(product, 'id', id);
  return eventKey(product, 'content', event, occurredAt ?? '', JSON.stringify(properties));
}
