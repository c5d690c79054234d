import { INVALID_TIME, timeText } from '../clock.js';
import type { EventEnvelope, ReceivedEnvelope, RequestContext } from '../envelope.js';
import {
  checkEventCount,
  envelopeOf,
  InvalidRequest,
  isTooLarge,
  receiptOf,
  unidentified,
  withoutPayload,
} from '../envelope.js';
import { idText, substituteId } from '../event-id.js';
import { identify, type IdentifiedInstallation } from '../identify.js';
import type { Properties, Rejection } from '../vocabulary.js';
import { isObject } from '../vocabulary.js';
import { isFromPosthogWeb, isSetByPage } from './web-sdks.js';

/** The project key of a request, where PostHog's clients put it; undefined if missing. */
export function findPosthogKey(body: unknown): string | undefined {
  const [first] = Array.isArray(body) ? (body as unknown[]) : [body];
  if (!isObject(first)) return undefined;
  const { properties } = first;
  const key =
    first.api_key ?? first.token ?? first.$token ?? (isObject(properties) && properties.token);
  return typeof key === 'string' ? key : undefined;
}

/**
 * Reads a request of PostHog's clients to `/batch`, `/capture`, `/e`, `/i/v0/e` and `/track`: one event, an
 * array of them, or `{batch: [...]}`. The installation is the `distinct_id`; from a browser only if the product declares
 * that. posthog-python sends no event id, and changes `sentAt` when it retries, so its events are identified by their
 * content.
 * Source: https://posthog.com/docs/api/capture; posthog-python, posthog/request.py.
 */
export function readPosthog(body: unknown, context: RequestContext): ReceivedEnvelope[] {
  const { items, sentAt } = itemsOf(body);
  if (items.length === 0) return [{ ...receiptOf(context), empty: true }];
  checkEventCount(items.length, context);
  return items.map((item, index) => readItem(item, `batch[${index}]`, sentAt, context));
}

/** The outcome of an event of a batch. */
export interface PosthogResult {
  result: 'ok' | 'warning' | 'drop' | 'retry';
  details?: string;
}

/**
 * Reads a request of posthog-node in mode v1 to `/i/v1/analytics/events`: `{created_at, batch}`. Returns a result per
 * event. The time of the request is in the header `PostHog-Request-Timestamp`.
 * Source: posthog-node 5.70, capture-v1.
 */
export function readPosthogV1(
  body: unknown,
  sentAt: string | undefined,
  context: RequestContext,
): {
  envelopes: ReceivedEnvelope[];
  results: Record<string, PosthogResult>;
  /** The uuid of each envelope whose event has one. */
  uuids: ReadonlyMap<ReceivedEnvelope, string>;
} {
  const { items } = itemsOf(body);
  checkEventCount(items.length, context);
  const envelopes: ReceivedEnvelope[] = [];
  const results: [string, PosthogResult][] = [];
  const uuids = new Map<ReceivedEnvelope, string>();
  for (const [index, item] of items.entries()) {
    const envelope = readItem(item, `batch[${index}]`, sentAt, context);
    envelopes.push(envelope);
    if (!isObject(item) || typeof item.uuid !== 'string') continue;
    results.push([item.uuid, resultOf(envelope)]);
    uuids.set(envelope, item.uuid);
  }
  return { envelopes, results: Object.fromEntries(results), uuids };
}

function resultOf(envelope: ReceivedEnvelope): PosthogResult {
  if (isTooLarge(envelope)) return { result: 'drop', details: 'event_too_large' };
  if (!('rejection' in envelope)) return { result: 'ok' };
  return { result: 'warning', details: envelope.rejection.reason };
}

function itemsOf(body: unknown): { items: unknown[]; sentAt: unknown } {
  if (Array.isArray(body)) return { items: body, sentAt: undefined };
  if (!isObject(body)) {
    throw new InvalidRequest('invalid_body', 'The body must be an event, an array or {batch}.');
  }
  const sentAt = body.sentAt ?? body.sent_at;
  if (!Object.hasOwn(body, 'batch')) return { items: [body], sentAt };
  const items = body.batch ?? [];
  if (!Array.isArray(items)) {
    throw new InvalidRequest('invalid_body', '`batch` must be an array of events.');
  }
  return { items, sentAt };
}

function readItem(
  item: unknown,
  path: string,
  sentAt: unknown,
  context: RequestContext,
): ReceivedEnvelope {
  if (!isObject(item)) return unidentified({ reason: 'not_an_event', path }, {}, context);
  const properties = isObject(item.properties) ? item.properties : {};
  if (context.isTooDeep(item)) {
    return unidentified({ reason: 'event_too_deep', path }, properties, context);
  }
  const isLarge = context.isTooLarge(item);
  const identified = identifyEvent(item, properties, context);
  if ('reason' in identified) {
    const rejection = isLarge ? ({ reason: 'event_too_large', path } as const) : identified;
    return unidentified(rejection, properties, context);
  }
  const envelope = toEnvelope(item, identified, properties, sentAt, context);
  return isLarge ? withoutPayload(envelope) : envelope;
}

function identifyEvent(
  item: Record<string, unknown>,
  properties: Properties,
  context: RequestContext,
): IdentifiedInstallation | Rejection {
  const raw = item.distinct_id ?? item.$distinct_id ?? properties.distinct_id;
  const identified = identify(raw, { path: 'distinct_id', event: item.event }, context);
  if ('reason' in identified || !isFromPosthogWeb(properties)) return identified;
  const isInstallation =
    context.browserDistinctId === 'installation' && isSetByPage(item.event, raw, properties);
  return isInstallation
    ? identified
    : { reason: 'installation_id_of_visitor', path: 'distinct_id' };
}

function toEnvelope(
  item: Record<string, unknown>,
  { installationId, formerIds }: IdentifiedInstallation,
  properties: Properties,
  sentAt: unknown,
  context: RequestContext,
): EventEnvelope {
  const occurredAt = timeOf(item, context.receivedAt);
  const timestamp = timeText(item.timestamp);
  const sentAtText = timeText(sentAt);
  const event = textOf(item.event) ?? '';
  const { distinct_id: _, token: __, ...rest } = properties;
  const id =
    idText(item.uuid) ?? substituteId(item.uuid, timestamp, { event, properties: rest }, context);
  return envelopeOf(context, {
    id,
    installationId,
    formerIds,
    event,
    occurredAt,
    // A time from an age is by our clock, so there is no skew to correct.
    sentAt: timestamp === undefined ? undefined : sentAtText,
    properties: rest,
  });
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Old clients send an age in milliseconds instead of a time. */
function timeOf({ timestamp, offset }: Record<string, unknown>, receivedAt: number) {
  const given = timeText(timestamp);
  if (given !== undefined || offset === undefined || offset === null) return given;
  const isAge = typeof offset === 'number' && offset >= 0 && offset < receivedAt;
  return isAge ? new Date(receivedAt - offset).toISOString() : INVALID_TIME;
}
