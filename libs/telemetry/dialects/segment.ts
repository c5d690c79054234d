import { timeText } from '../clock.js';
import type { EventEnvelope, ReceivedEnvelope, RequestContext } from '../envelope.js';
import {
  checkEventCount,
  envelopeOf,
  InvalidRequest,
  receiptOf,
  unidentified,
  withoutPayload,
} from '../envelope.js';
import { idText, substituteId } from '../event-id.js';
import { identify, isGiven, type IdentifiedInstallation } from '../identify.js';
import { personKey } from '../identity.js';
import { redact, type KeepRules } from '../privacy/redact.js';
import type { Properties, Rejection } from '../vocabulary.js';
import { isObject } from '../vocabulary.js';
import { isFromBrowser } from './web-sdks.js';

/** https://segment.com/docs/connections/spec/ */
export const segmentTypes = ['track', 'identify', 'page', 'screen', 'group', 'alias'] as const;
export type SegmentType = (typeof segmentTypes)[number];

/**
 * The properties of a call about a person or a page whose text is kept. For others (e-mail, name, title, referrer,
 * query), only the property name and the length of the text leave this function.
 */
const UI_TEXT = new Set(['path', 'appVersion', 'version']);
const UI_RULES: KeepRules = {
  keepText: (path, text) => (UI_TEXT.has(path) ? text : null),
  knows: (key) => UI_TEXT.has(key),
};

/** The write key of a request, where Segment's clients put it; undefined if missing. */
export function findSegmentKey(body: unknown): string | undefined {
  return isObject(body) && typeof body.writeKey === 'string' ? body.writeKey : undefined;
}

/**
 * Reads `/v1/batch` and `/v1/import`: `{batch: [...], sentAt}`. `"batch":null`, which
 * dcos-signal sends occasionally, is an empty envelope. An invalid item does not affect the others.
 * Source: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
 */
export function readSegmentBatch(body: unknown, context: RequestContext): ReceivedEnvelope[] {
  if (!isObject(body)) throw new InvalidRequest('invalid_body', 'The body must be a JSON object.');
  const items = body.batch === null ? [] : body.batch;
  if (!Array.isArray(items)) {
    throw new InvalidRequest('invalid_body', '`batch` must be an array of events, or null.');
  }
  if (items.length === 0) return [{ ...receiptOf(context), empty: true }];
  checkEventCount(items.length, context);
  return items.map((item: unknown, index) => readItem(item, `batch[${index}]`, body, context));
}

/** Reads a call of one event, such as `/v1/track` or the browser's `/v1/p`. */
export function readSegmentCall(
  type: SegmentType,
  body: unknown,
  context: RequestContext,
): ReceivedEnvelope[] {
  if (!isObject(body)) throw new InvalidRequest('invalid_body', 'The body must be a JSON object.');
  return [readItem({ ...body, type }, '', body, context)];
}

function readItem(
  item: unknown,
  path: string,
  body: Record<string, unknown>,
  context: RequestContext,
): ReceivedEnvelope {
  if (!isObject(item)) return unidentified({ reason: 'not_an_event', path }, {}, context);
  const properties = propertiesOf(item);
  // Before its properties are redacted, which takes longer than anything else here.
  if (context.isTooDeep(item)) {
    return unidentified({ reason: 'event_too_deep', path }, properties, context);
  }
  const isLarge = context.isTooLarge(item);
  const identified = findInstallation(item, context);
  if ('reason' in identified) {
    const rejection = isLarge ? ({ reason: 'event_too_large', path } as const) : identified;
    return unidentified(rejection, properties, context);
  }
  if (isLarge) return withoutPayload(toEnvelope(item, identified, {}, body.sentAt, context));
  const kept = item.type === 'track' ? properties : redact(properties, UI_RULES);
  return toEnvelope(item, identified, kept, body.sentAt, context);
}

function toEnvelope(
  item: Record<string, unknown>,
  { installationId, formerIds }: IdentifiedInstallation,
  properties: Properties,
  sentAt: unknown,
  context: RequestContext,
): EventEnvelope {
  const occurredAt = timeText(item.timestamp);
  const sentAtText = timeText(sentAt);
  const event = item.type === 'track' ? (textOf(item.event) ?? '') : (textOf(item.type) ?? '');
  const id =
    idText(item.messageId) ??
    substituteId(item.messageId, occurredAt, { event, properties }, context);
  const { userKey, visitorKey } = hashPersons(item, installationId, context);
  return envelopeOf(context, {
    id,
    installationId,
    formerIds,
    event,
    occurredAt,
    sentAt: sentAtText,
    userKey,
    visitorKey,
    properties,
  });
}

/** Keyed hashes of the user and the browser of a UI event. The e-mail address itself is never stored. */
function hashPersons(
  item: Record<string, unknown>,
  installationId: string,
  { identityKey }: RequestContext,
): Pick<EventEnvelope, 'userKey' | 'visitorKey'> {
  const isFromServer = item.type === 'track' && !isFromBrowser(item);
  const traits = isObject(item.traits) ? item.traits : {};
  const user = textOf(item.userId) ?? textOf(traits.email);
  // dcos-signal sends the customer key as userId and the installation id as anonymousId.
  if (isFromServer && !user?.includes('@')) return {};
  const visitor = isFromServer ? undefined : textOf(item.anonymousId);
  const keyOf = (role: 'user' | 'visitor', person: string) =>
    personKey(role, person, installationId, identityKey);
  return {
    ...(user !== undefined && { userKey: keyOf('user', user) }),
    ...(visitor !== undefined && { visitorKey: keyOf('visitor', visitor) }),
  };
}

function propertiesOf(item: Record<string, unknown>): Properties {
  const given = item.type === 'track' ? item.properties : (item.properties ?? item.traits);
  return isObject(given) ? given : {};
}

/**
 * Every DC/OS agent and UI sends the cluster id in the properties. `anonymousId` identifies the installation only in
 * events from a server; in events from a browser it identifies the browser.
 */
function findInstallation(
  item: Record<string, unknown>,
  context: RequestContext,
): IdentifiedInstallation | Rejection {
  const properties = isObject(item.properties) ? item.properties : {};
  const traits = isObject(item.traits) ? item.traits : {};
  const { event } = item;
  const fromProperties = properties.clusterId ?? traits.clusterId;
  if (isGiven(fromProperties)) {
    return identify(fromProperties, { path: 'properties.clusterId', event }, context);
  }
  const isFromServer = item.type === 'track' && !isFromBrowser(item);
  if (isFromServer && isGiven(item.anonymousId)) {
    return identify(item.anonymousId, { path: 'anonymousId', event }, context);
  }
  if (isGiven(item.anonymousId) && isFromBrowser(item)) {
    return { reason: 'installation_id_of_visitor', path: 'anonymousId' };
  }
  return { reason: 'installation_id_missing', path: 'properties.clusterId' };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
