import { safeKey } from './privacy/keys.js';
import type { Properties, Rejection } from './vocabulary.js';

interface Receipt {
  /** When ingest received it, in milliseconds since 1970. */
  receivedAt: number;
  /** The product that the write key belongs to. */
  product: string;
  /** Which write key sent it (`keyIdOf`). Absent in jobs of earlier releases. */
  key?: string;
}

/** An event of a known installation, as it travels through the queue. */
export interface EventEnvelope extends Receipt {
  /**
   * The agent's own id of the event. Absent where the agent has none but says when the event
   * happened: then the content identifies it.
   */
  id?: string;
  /** A GUID in lower case. */
  installationId: string;
  /**
   * Other ids under which earlier releases stored the same installation, if there are any for the form in
   * which it shows itself: what was suppressed or is to be erased under them concerns it as well.
   */
  formerIds?: string[];
  event: string;
  /** As the agent wrote it; read by the worker. */
  occurredAt?: string;
  /** When the agent says it sent the request, as the agent wrote it. */
  sentAt?: string;
  version?: string;
  /** Who was logged in to a UI: a keyed hash within the installation, 64 bits as a decimal text. */
  userKey?: string;
  /** The browser that a UI ran in, likewise. */
  visitorKey?: string;
  /** Present where the event was above the size limit: then its properties were left out. */
  isTooLarge?: true;
  properties: Properties;
}

/** An event that no installation can be found for: only its keys travel on, no value does. */
export interface UnidentifiedEnvelope extends Receipt {
  rejection: Rejection;
  keys: string[];
}

/** A request without an event (`"batch":null`), acknowledged and counted. */
export interface EmptyEnvelope extends Receipt {
  empty: true;
}

/** An event of an installation that was erased while it waited: it is counted, and nothing is left. */
export interface SuppressedEnvelope extends Receipt {
  suppressed: true;
}

/** An event that an administrator had blocked: it is counted, and nothing is left. */
export interface BlockedEnvelope extends Receipt {
  blocked: true;
}

export type ReceivedEnvelope =
  EventEnvelope | UnidentifiedEnvelope | EmptyEnvelope | SuppressedEnvelope | BlockedEnvelope;

/** How many events of a product ingest accepted in an hour. */
export interface AcceptedCount {
  product: string;
  /** The beginning of the hour of receipt, in milliseconds since 1970. */
  hour: number;
  count: number;
}

/** By what a write key is known next to the events that it sent: the beginning of its SHA-256 in hex. */
export function keyIdOf(digest: string): string {
  return digest.slice(0, KEY_ID_LENGTH);
}

const KEY_ID_LENGTH = 16;
const HOUR_MS = 3_600_000;

/** The beginning of the hour that a time lies in, both in milliseconds since 1970. */
export function hourOf(time: number): number {
  return Math.floor(time / HOUR_MS) * HOUR_MS;
}

/** What a dialect needs to know of the request besides its body. */
export interface RequestContext extends Receipt {
  /** Under which ids are hashed, where an installation's or a user's own must not be kept. */
  identityKey: string;
  /** At most this many events are taken from one request. */
  maxEvents: number;
  /** Tells whether an event is above the size limit. */
  isTooLarge(event: unknown): boolean;
  /** Tells whether an event is nested too deep; see `depthCheck`. */
  isTooDeep(event: unknown): boolean;
  /** A fresh id for an event that has neither an id nor a time. */
  newId(): string;
}

/** The request as a whole cannot be taken. The code is public; ingest maps it to an HTTP status. */
export class InvalidRequest extends Error {
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

/**
 * An event's own id as text: a client that sends it as a number may send it as text when it tries again.
 * Undefined if it has none, or a number so large that reading JSON has changed it.
 */
export function idText(raw: unknown): string | undefined {
  if (typeof raw === 'string') return raw === '' ? undefined : raw;
  if (typeof raw !== 'number' || !Number.isFinite(raw)) return undefined;
  return Number.isInteger(raw) && !Number.isSafeInteger(raw) ? undefined : `${raw}`;
}

/** Refuses a request with more events than a job should carry. */
export function checkEventCount(count: number, { maxEvents }: RequestContext): void {
  if (count > maxEvents) {
    throw new InvalidRequest(
      'too_many_events',
      `The request holds ${count} events; at most ${maxEvents} are taken at once.`,
    );
  }
}

const MAX_KEYS = 200;

/** The names of an object's properties; of those beyond a bound only how many they are: `+17`. */
function keysOf(value: object): string[] {
  const keys = Object.keys(value);
  const kept = keys.slice(0, MAX_KEYS).map((key) => safeKey(key));
  return keys.length > MAX_KEYS ? [...kept, `+${keys.length - MAX_KEYS}`] : kept;
}

/** What every envelope of a request has. */
export function receiptOf({ receivedAt, product, key }: Receipt): Receipt {
  return key === undefined ? { receivedAt, product } : { receivedAt, product, key };
}

type OptionalField = Exclude<
  {
    [F in keyof EventEnvelope]-?: object extends Pick<EventEnvelope, F> ? F : never;
  }[keyof EventEnvelope],
  keyof Receipt
>;

/** The fields of an event's envelope. One that the event lacks may be undefined. */
export type EventFields = Omit<EventEnvelope, keyof Receipt | OptionalField> & {
  [F in OptionalField]?: EventEnvelope[F] | undefined;
};

/**
 * Puts the envelope of an event together, without the fields that are undefined. This is done for every event:
 * conditional spreads instead took a twentieth of ingest's time.
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

/** More than any name or id that is of use. */
const MAX_TEXT = 1000;

/**
 * Leaves of an event above the size limit what shows whose it is and tells its repetitions: it is
 * counted, and its installation appears in quarantine.
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

/** Of an event without installation, only why it has none, and the names of its properties. */
export function unidentified(
  rejection: Rejection,
  properties: object,
  context: Receipt,
): UnidentifiedEnvelope {
  return { ...receiptOf(context), rejection, keys: keysOf(properties) };
}
