import { readNativeLines, type EventRejection } from '../dialects/native.js';
import type { ReceivedEnvelope, RequestContext } from '../envelope.js';
import type { NormaliseOptions } from '../normalise.js';
import { normalise } from '../normalise.js';
import { truncatePath } from '../limit-defects.js';
import type { KeptEvent, NormalisedEvent } from '../normalised-event.js';
import { safeKey } from '../privacy/keys.js';
import { containsText, isRedacted } from '../privacy/redact.js';
import type { Products } from '../products/index.js';
import { isObject } from '../vocabulary.js';
import {
  readAny,
  withoutAccepted,
  type DialectName,
  type Hints,
  type ReadItem,
} from './any-dialect.js';
import { rowsOf, type Rows } from './rows.js';

/** A part of the event that would not be stored, and why. */
export interface Dropped {
  /** Its path in the event; never its value. */
  path: string;
  /**
   * `text_not_allowed`: no rule allows its text. `hashed`: only a keyed hash is kept. `not_read`: Muster does not read
   * it. Otherwise the reason of a defect.
   */
  reason: string;
}

/** The fate of one event of a request, and what would be stored of it. */
export type PreviewedEvent =
  | { fate: 'rejected'; rejection: EventRejection }
  | {
      fate: 'stored' | 'quarantined' | 'empty' | 'suppressed' | 'blocked';
      /** The id under which the installation is stored. */
      installationId: string | null;
      /** The rows of each view of the schema `fleet`. */
      rows: Rows;
      /** The event as stored for a replay; null if it would not be stored. */
      kept: KeptEvent | null;
      dropped: Dropped[];
    };

/**
 * Shows exactly what would be stored of a request, and what would be dropped and why. Pure: it does what the worker
 * does without storing, so it cannot detect duplicates.
 * @throws InvalidRequest as the dialect of the body does
 */
export function preview(
  body: unknown,
  hints: Hints,
  context: RequestContext,
  options: NormaliseOptions,
): { dialect: DialectName; events: PreviewedEvent[] } {
  const { dialect, items } = readAny(body, hints, context);
  return { dialect, events: items.map((item) => previewItem(item, options)) };
}

/** Likewise for a body of the native dialect with one event per line. */
export function previewLines(
  bytes: Buffer,
  parse: (line: Buffer) => unknown,
  context: RequestContext,
  options: NormaliseOptions,
): { dialect: DialectName; events: PreviewedEvent[] } {
  const raw: unknown[] = [];
  const parseAndKeep = (line: Buffer) => {
    const at = raw.push(undefined) - 1; // an invalid line needs a place, too
    return (raw[at] = parse(line));
  };
  const outcomes = readNativeLines(bytes, parseAndKeep, context).map(withoutAccepted);
  const items = outcomes.map((outcome, at) => ({ raw: raw[at], outcome }));
  return { dialect: 'native', events: items.map((item) => previewItem(item, options)) };
}

function previewItem({ raw, outcome }: ReadItem, options: NormaliseOptions): PreviewedEvent {
  if ('rejected' in outcome) return { fate: 'rejected', rejection: outcome.rejected };
  return previewEvent(raw, outcome, normalise(outcome, options), options.products);
}

function previewEvent(
  raw: unknown,
  envelope: ReceivedEnvelope,
  event: NormalisedEvent,
  products: Products,
): PreviewedEvent {
  const isKept =
    event.fate === 'quarantined' || (event.fate === 'stored' && event.defects.length > 0);
  return {
    fate: event.fate === 'unidentified' ? 'quarantined' : event.fate,
    installationId: 'installationId' in event ? event.installationId : null,
    rows: rowsOf(event, products),
    kept: isKept ? event.keep() : null,
    dropped: [
      ...droppedOf(event, envelope, products),
      ...(isInspected(event) ? outerDropped(raw, envelope) : []),
    ],
  };
}

/** Whether anything but the fate of the event is used. */
function isInspected({ fate }: NormalisedEvent): boolean {
  return fate === 'stored' || fate === 'quarantined' || fate === 'unidentified';
}

function droppedOf(
  event: NormalisedEvent,
  envelope: ReceivedEnvelope,
  products: Products,
): Dropped[] {
  if (event.fate === 'quarantined') {
    const isNameless = event.event.startsWith('[');
    const paths = [
      ...(isNameless ? ['event'] : []),
      ...redactedPaths(event.keep().properties, 'properties'),
    ];
    return [...new Set(paths)].map((path) => ({ path, reason: 'text_not_allowed' }));
  }
  if (event.fate !== 'stored') return [];
  const unread = unreadNames(envelope, products);
  const dropped = new Set(event.snapshot.dropped);
  const isInvalid = new Set(event.defects.map(({ path }) => path));
  return [
    ...[...dropped].map((name) => ({
      path: `properties.${name}`,
      reason: unread.has(name) ? 'not_read' : 'text_not_allowed',
    })),
    ...event.defects.map(({ path, reason }) => ({ path: placeOf(path), reason })),
    ...[...unread]
      .filter((name) => !dropped.has(name) && !isInvalid.has(name))
      .map((name) => ({ path: `properties.${name}`, reason: 'not_read' })),
  ];
}

const OUTSIDE = new Set(['', 'timestamp', 'sentAt']);

/** Defects are in the properties, except those of the event's times. */
function placeOf(path: string): string {
  return OUTSIDE.has(path) ? path : `properties.${path}`;
}

/** The names of properties without text that are not read. */
function unreadNames(envelope: ReceivedEnvelope, products: Products): ReadonlySet<string> {
  if (!('properties' in envelope)) return new Set();
  const { product, event, properties } = envelope;
  const kind = products.get(product)?.find(event);
  const unread = Object.entries(properties)
    .filter(([key, value]) => !isBlank(value) && kind?.ignores(key, value) && !containsText(value))
    .map(([key]) => safeKey(key));
  return new Set(unread);
}

function isBlank(value: unknown): boolean {
  return value === null || value === '' || (isRedacted(value) && value.$length === 0);
}

/** The paths where text was redacted, truncated, because many texts may share long names. */
function redactedPaths(value: unknown, fullPath: string): string[] {
  const path = truncatePath(fullPath);
  if (isRedacted(value)) return [path];
  if (Array.isArray(value)) return value.flatMap((item) => redactedPaths(item, `${path}[]`));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => redactedPaths(item, `${path}.${key}`));
}

/** The fields next to an event's properties that a dialect reads. */
const READ_FIELDS = new Set(
  (
    'id installationId product event occurredAt version properties traits type messageId timestamp ' +
    'sentAt sent_at writeKey uuid distinct_id $distinct_id offset api_key token $token'
  ).split(' '),
);

function outerDropped(raw: unknown, envelope: ReceivedEnvelope): Dropped[] {
  if (!isObject(raw)) return [];
  const hashed = new Set([
    ...('userKey' in envelope ? ['userId'] : []),
    ...('visitorKey' in envelope ? ['anonymousId'] : []),
  ]);
  return Object.keys(raw)
    .filter((key) => !READ_FIELDS.has(key) && raw[key] !== null)
    .map((key) => ({ path: safeKey(key), reason: hashed.has(key) ? 'hashed' : 'not_read' }));
}
