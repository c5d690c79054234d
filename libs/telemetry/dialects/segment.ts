import { parseTimestamp } from '../clock.js';
import type {
  EventEnvelope,
  ReceivedEnvelope,
  RequestContext,
  UnidentifiedEnvelope,
} from '../envelope.js';
import { checkEventCount, InvalidRequest, keysOf } from '../envelope.js';
import { parseInstallationId } from '../identity.js';
import type { Properties, Rejection } from '../vocabulary.js';
import { isObject } from '../vocabulary.js';

/** https://segment.com/docs/connections/spec/ */
export const segmentTypes = ['track', 'identify', 'page', 'screen', 'group', 'alias'] as const;
export type SegmentType = (typeof segmentTypes)[number];

/**
 * All that is taken of a call about a person or a page. The rest of such calls (e-mail, name, title,
 * referrer, query) is of no use here and goes no further than this function.
 */
const UI_PROPERTIES = ['clusterId', 'path', 'appVersion', 'version'];

/**
 * Reads `/v1/batch` and `/v1/import`: `{batch: [...], sentAt}`. `"batch":null`, as dcos-signal sends
 * it every now and then, is an empty envelope. An item that cannot be read costs only itself.
 * Source: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
 */
export function readSegmentBatch(body: unknown, context: RequestContext): ReceivedEnvelope[] {
  if (!isObject(body)) throw new InvalidRequest('invalid_body', 'The body must be a JSON object.');
  const items = body.batch === null ? [] : body.batch;
  if (!Array.isArray(items)) {
    throw new InvalidRequest('invalid_body', '`batch` must be an array of events, or null.');
  }
  if (items.length === 0) return [{ ...receipt(context), empty: true }];
  checkEventCount(items.length, context);
  const envelopes = items.map((item: unknown, index) =>
    readItem(item, `batch[${index}]`, body, context),
  );
  if (envelopes.every(isOversize)) throw oversize();
  return envelopes;
}

/** Reads a call of one event, such as `/v1/track` or the browser's `/v1/p`. */
export function readSegmentCall(
  type: SegmentType,
  body: unknown,
  context: RequestContext,
): ReceivedEnvelope[] {
  if (!isObject(body)) throw new InvalidRequest('invalid_body', 'The body must be a JSON object.');
  const envelope = readItem({ ...body, type }, '', body, context);
  if (isOversize(envelope)) throw oversize();
  return [envelope];
}

function readItem(
  item: unknown,
  path: string,
  body: Record<string, unknown>,
  context: RequestContext,
): ReceivedEnvelope {
  if (!isObject(item)) return unidentified({ reason: 'not_an_event', path }, {}, context);
  const properties = propertiesOf(item);
  if (context.isTooLarge(item)) {
    return unidentified({ reason: 'event_too_large', path }, properties, context);
  }
  const identified = findInstallation(item, properties);
  if ('reason' in identified) return unidentified(identified, properties, context);
  return toEnvelope(item, identified.installationId, properties, body.sentAt, context);
}

function toEnvelope(
  item: Record<string, unknown>,
  installationId: string,
  properties: Properties,
  sentAt: unknown,
  context: RequestContext,
): EventEnvelope {
  const hasTime = parseTimestamp(item.timestamp) !== null;
  const messageId = textOf(item.messageId);
  const id = messageId ?? (hasTime ? undefined : context.newId());
  return {
    ...receipt(context),
    ...(id !== undefined && { id }),
    installationId,
    event: item.type === 'track' ? (textOf(item.event) ?? '') : (textOf(item.type) ?? ''),
    ...(typeof item.timestamp === 'string' && { occurredAt: item.timestamp }),
    ...(typeof sentAt === 'string' && { sentAt }),
    properties,
  };
}

function propertiesOf(item: Record<string, unknown>): Properties {
  if (item.type === 'track') return isObject(item.properties) ? item.properties : {};
  const given = isObject(item.properties) ? item.properties : item.traits;
  const properties = isObject(given) ? given : {};
  return Object.fromEntries(
    UI_PROPERTIES.filter((key) => Object.hasOwn(properties, key)).map((key) => [
      key,
      properties[key],
    ]),
  );
}

/**
 * The cluster's id stands in the properties, where every DC/OS agent and UI puts it. `anonymousId`
 * is the installation's only where a server speaks: a browser's is the browser's own.
 */
function findInstallation(
  item: Record<string, unknown>,
  properties: Properties,
): { installationId: string } | Rejection {
  const traits = isObject(item.traits) ? item.traits : {};
  const fromProperties = properties.clusterId ?? traits.clusterId;
  if (isGiven(fromProperties)) return identify(fromProperties, 'properties.clusterId');
  const isFromServer = item.type === 'track' && !isFromBrowser(item);
  if (isFromServer && isGiven(item.anonymousId)) return identify(item.anonymousId, 'anonymousId');
  return { reason: 'installation_id_missing', path: 'properties.clusterId' };
}

function identify(raw: unknown, path: string): { installationId: string } | Rejection {
  const installationId = parseInstallationId(raw);
  return installationId ? { installationId } : { reason: 'installation_id_invalid', path };
}

function isFromBrowser({ context }: Record<string, unknown>): boolean {
  return isObject(context) && isObject(context.library) && context.library.name === 'analytics.js';
}

function isOversize(envelope: ReceivedEnvelope): boolean {
  return 'rejection' in envelope && envelope.rejection.reason === 'event_too_large';
}

function oversize(): InvalidRequest {
  return new InvalidRequest('event_too_large', 'The event is above the size limit for one event.');
}

function unidentified(
  rejection: Rejection,
  properties: Properties,
  context: RequestContext,
): UnidentifiedEnvelope {
  return { ...receipt(context), rejection, keys: keysOf(properties) };
}

function receipt({ receivedAt, product }: RequestContext) {
  return { receivedAt, product };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
