import type { RequestContext } from '../envelope.js';
import { InvalidRequest, unidentified, receiptOf } from '../envelope.js';
import { identify } from '../identify.js';
import { parseInstallationId } from '../identity.js';
import { isObject } from '../vocabulary.js';
import { rejectTooLarge, type EventOutcome, type EventRejection } from './native.js';

interface PrintedEvent {
  path: string;
  event: unknown;
  installationId: unknown;
  properties: unknown;
}

const COMPOSITE_PARTS = ['cosmos', 'diagnostics', 'mesos'] as const;

/**
 * Reads a DC/OS report in one of the three forms in which it is printed:
 * - the composite `{cosmos, diagnostics, mesos}` that dcos-signal prints with `-test` from 1.8 on;
 * - the flat ping of the 1.7 documentation, `{clusterId, "health-unit-…-total", …}`;
 * - the output of 1.7 with `-test`, `{Event, UserId, ClusterId, Properties}`.
 *
 * A printed report has neither ids nor times. With an `idempotencyKey`, duplicates are recognised; without it, every
 * report is a new one.
 */
export function readReport(
  body: unknown,
  context: RequestContext & { idempotencyKey?: string | undefined },
): EventOutcome[] {
  if (context.product !== 'dcos') {
    const message =
      'Printed reports are accepted only for DC/OS; the write key belongs to another product.';
    throw new InvalidRequest('unsupported_product', message);
  }
  return printedEvents(body).map((printed) => readPrinted(printed, context));
}

/** The events of a printed report. @throws InvalidRequest `unknown_report` */
export function printedEvents(body: unknown): PrintedEvent[] {
  if (isObject(body)) {
    const parts = COMPOSITE_PARTS.filter((part) => isGiven(body[part]));
    if (parts.length > 0) return parts.map((part) => printedPart(part, body[part]));
    if ('Event' in body && 'Properties' in body) {
      const { Event: event, ClusterId: installationId, Properties: properties } = body;
      return [{ path: 'Properties', event, installationId, properties }];
    }
    if ('clusterId' in body) {
      return [{ path: '', event: 'health', installationId: body.clusterId, properties: body }];
    }
  }
  throw new InvalidRequest(
    'unknown_report',
    'The report has none of the known forms: {cosmos, diagnostics, mesos}, {Event, ClusterId, Properties}, or {clusterId, "health-unit-…"}.',
  );
}

function printedPart(path: string, part: unknown): PrintedEvent {
  if (!isObject(part)) {
    return { path, event: undefined, installationId: undefined, properties: undefined };
  }
  const { event, properties, anonymousId } = part;
  const clusterId = isObject(properties) ? properties.clusterId : undefined;
  return { path, event, installationId: clusterId || anonymousId, properties };
}

function readPrinted(
  printed: PrintedEvent,
  context: RequestContext & { idempotencyKey?: string | undefined },
): EventOutcome {
  const outcome = readPart(printed, context);
  return context.isTooLarge(printed.properties) ? rejectTooLarge(outcome, printed.path) : outcome;
}

function readPart(
  printed: PrintedEvent,
  context: RequestContext & { idempotencyKey?: string | undefined },
): EventOutcome {
  const { path, event, properties } = printed;
  if (!isObject(properties)) {
    return reject('invalid_object', path, 'A part of a report must hold an object of properties.');
  }
  if (typeof event !== 'string') {
    return reject('invalid_text', path, 'A part of a report must name its event.');
  }
  if (context.isTooDeep(properties)) {
    return reject('too_deep', path, 'The report is nested too deep.');
  }
  if (parseInstallationId(printed.installationId) === null) {
    return reject('invalid_guid', path, 'The cluster id must be a GUID.');
  }
  const identified = identify(printed.installationId, { path: 'clusterId', event }, context);
  if ('reason' in identified) return { accepted: unidentified(identified, properties, context) };
  return {
    accepted: {
      ...receiptOf(context),
      id: context.idempotencyKey ? `${context.idempotencyKey} ${path}` : context.newId(),
      ...identified,
      event,
      properties,
    },
  };
}

function reject(code: EventRejection['code'], path: string, message: string): EventOutcome {
  return { rejected: { code, path, message } };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
