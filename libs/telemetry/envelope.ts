import { safeKey } from './privacy/keys.js';
import type { BrowserDistinctId } from './products/declaration.js';
import type { Properties, Rejection } from './vocabulary.js';

interface Receipt {
  /** When ingest received it, in milliseconds since 1970. */
  receivedAt: number;
  /** The product that the write key belongs to. */
  product: string;
  /** The id of the write key that sent it (`keyIdOf`). Missing in jobs of earlier releases. */
  key?: string;
}

/** An event of a known installation, as it travels through the queue. */
export interface EventEnvelope extends Receipt {
  /**
   * The agent's id of the event, or its substitute (`substituteId`). Missing if content and time identify the event.
   */
  id?: string;
  /** A GUID in lower case. */
  installationId: string;
  /**
   * Other ids under which earlier releases stored the same installation. Suppressions and erasures of these ids
   * apply to it as well.
   */
  formerIds?: string[];
  event: string;
  /** As the agent wrote it; read by the worker. */
  occurredAt?: string;
  /** When the agent sent the request, as the agent wrote it. */
  sentAt?: string;
  version?: string;
  /** The user of a UI: a keyed hash within the installation, 64 bits as decimal text. */
  userKey?: string;
  /** The browser of a UI, likewise. */
  visitorKey?: string;
  /** The event exceeded the size limit, and its properties were dropped. */
  isTooLarge?: true;
  properties: Properties;
}

/** An event without an identifiable installation. It carries only property names, no values. */
export interface UnidentifiedEnvelope extends Receipt {
  rejection: Rejection;
  keys: string[];
}

/** A request without an event (`"batch":null`), acknowledged and counted. */
export interface EmptyEnvelope extends Receipt {
  empty: true;
}

/** An event whose installation was erased while it was queued. Nothing is left of it; it is only counted. */
export interface SuppressedEnvelope extends Receipt {
  suppressed: true;
}

/** An event that a block dropped. Nothing is left of it; it is only counted. */
export interface BlockedEnvelope extends Receipt {
  blocked: true;
}

export type ReceivedEnvelope =
  EventEnvelope | UnidentifiedEnvelope | EmptyEnvelope | SuppressedEnvelope | BlockedEnvelope;

/** The number of events of a product that ingest accepted in an hour. */
export interface AcceptedCount {
  product: string;
  /** The beginning of the hour of receipt, in milliseconds since 1970. */
  hour: number;
  count: number;
}

/** The id of a write key in stored events: the first 64 bits of its SHA-256, in hex. */
export function keyIdOf(digest: string): string {
  return digest.slice(0, KEY_ID_LENGTH);
}

const KEY_ID_LENGTH = 16;
const HOUR_MS = 3_600_000;

/** The beginning of the hour of a time, both in milliseconds since 1970. */
export function hourOf(time: number): number {
  return Math.floor(time / HOUR_MS) * HOUR_MS;
}

/** What a dialect needs to know about the request in addition to its body. */
export interface RequestContext extends Receipt {
  /** Key of the hash that replaces ids of installations and users that must not be stored. */
  identityKey: string;
  /** Whose id PostHog's web SDK sends as `distinct_id`, as the product declares. Default: the user's. */
  browserDistinctId?: BrowserDistinctId | undefined;
  /** The maximum number of events in a request. */
  maxEvents: number;
  /** Whether an event exceeds the size limit. */
  isTooLarge(event: unknown): boolean;
  /** Whether an event is nested too deep; see `depthCheck`. */
  isTooDeep(event: unknown): boolean;
  /** Generates an id for an event that nothing identifies. */
  newId(): string;
}

/** The whole request is invalid. The code is public; ingest maps it to an HTTP status. */
export class InvalidRequest extends Error {
  override readonly name = 'InvalidRequest';

  constructor(
    readonly code: InvalidRequestCode,
    message: string,
  ) {
    super(message);
  }
}

export type InvalidRequestCode =
  | 'invalid_json'
  | 'invalid_body'
  | 'too_deep'
  | 'too_many_values'
  | 'too_many_events'
  | 'event_too_large'
  | 'unknown_report'
  | 'unknown_dialect'
  | 'unsupported_product';

/** @throws InvalidRequest `too_many_events` */
export function checkEventCount(count: number, { maxEvents }: RequestContext): void {
  if (count > maxEvents) {
    throw new InvalidRequest(
      'too_many_events',
      `The request contains ${count} events; send at most ${maxEvents} per request.`,
    );
  }
}

const MAX_KEYS = 200;

/** The names of an object's properties. Those beyond a limit are replaced by their number: `+17`. */
function keysOf(value: object): string[] {
  const keys = Object.keys(value);
  const kept = keys.slice(0, MAX_KEYS).map((key) => safeKey(key));
  return keys.length > MAX_KEYS ? [...kept, `+${keys.length - MAX_KEYS}`] : kept;
}

/** The fields that all envelopes of a request share. */
export function receiptOf({ receivedAt, product, key }: Receipt): Receipt {
  return key === undefined ? { receivedAt, product } : { receivedAt, product, key };
}

type OptionalField = Exclude<
  {
    [F in keyof EventEnvelope]-?: object extends Pick<EventEnvelope, F> ? F : never;
  }[keyof EventEnvelope],
  keyof Receipt
>;

/** The fields of an event's envelope. Missing ones may be undefined. */
export type EventFields = Omit<EventEnvelope, keyof Receipt | OptionalField> & {
  [F in OptionalField]?: EventEnvelope[F] | undefined;
};

/**
 * Builds the envelope of an event, without fields that are undefined. This runs for every event, and conditional
 * spreads took a twentieth of ingest's time.
 */
export function envelopeOf(receipt: Receipt, fields: EventFields): EventEnvelope {
  const { receivedAt, product, key } = receipt;
  const { installationId, event, properties } = fields;
  const envelope: EventEnvelope = { receivedAt, product, installationId, event, properties };
  if (key !== undefined) envelope.key = key;
  const { id, formerIds, occurredAt, sentAt, version } = fields;
  if (id !== undefined) envelope.id = id;
  if (formerIds !== undefined) envelope.formerIds = formerIds;
  if (occurredAt !== undefined) envelope.occurredAt = occurredAt;
  if (sentAt !== undefined) envelope.sentAt = sentAt;
  if (version !== undefined) envelope.version = version;
  if (fields.userKey !== undefined) envelope.userKey = fields.userKey;
  if (fields.visitorKey !== undefined) envelope.visitorKey = fields.visitorKey;
  if (fields.isTooLarge) envelope.isTooLarge = true;
  return envelope;
}

/** Longer than any useful name or id. */
const MAX_TEXT = 1000;

/**
 * Reduces an event that exceeds the size limit to the fields that identify it, its installation and its duplicates.
 * It is counted, and its installation appears in quarantine.
 */
export function withoutPayload(envelope: EventEnvelope): EventEnvelope {
  const { installationId, formerIds } = envelope;
  return envelopeOf(envelope, {
    installationId,
    formerIds,
    event: envelope.event.slice(0, MAX_TEXT),
    id: envelope.id?.slice(0, MAX_TEXT),
    occurredAt: envelope.occurredAt?.slice(0, MAX_TEXT),
    sentAt: envelope.sentAt?.slice(0, MAX_TEXT),
    version: envelope.version?.slice(0, MAX_TEXT),
    isTooLarge: true,
    properties: {},
  });
}

export function isTooLarge(envelope: ReceivedEnvelope): boolean {
  if ('rejection' in envelope) return envelope.rejection.reason === 'event_too_large';
  return 'isTooLarge' in envelope;
}

/** The envelope of an event without installation: the reason, and the names of its properties. */
export function unidentified(
  rejection: Rejection,
  properties: object,
  context: Receipt,
): UnidentifiedEnvelope {
  return { ...receiptOf(context), rejection, keys: keysOf(properties) };
}
