import { parseTimestamp } from '../clock.js';
import type { RequestContext } from '../envelope.js';
import { unidentified, receiptOf } from '../envelope.js';
import { identify } from '../identify.js';
import { parseInstallationId } from '../identity.js';
import { isObject } from '../vocabulary.js';
import { rejectTooLarge, type EventOutcome, type EventRejection } from './native.js';

/** The path parameters with which Octopus Server sends a daily report: `/api/telemetry/{installationId}/{date}`. */
export interface DatedReport {
  installationId: unknown;
  /** The day of the report, `YYYY-MM-DD`. */
  date: unknown;
}

/** The event name of such a report. */
export const DATED_EVENT = 'telemetry';

const DATE = /^\d{4}-\d\d-\d\d$/;

/**
 * Reads the payload of `/api/telemetry/{installationId}/{date}`: the properties of an event
 * `telemetry`. `""`, `{}` and `null` are empty payloads. The same payload for the same day is a duplicate.
 */
export function readDatedReport(
  body: unknown,
  { installationId: rawId, date }: DatedReport,
  context: RequestContext,
): EventOutcome {
  if (parseInstallationId(rawId) === null) {
    return reject('invalid_guid', 'installationId', 'The installation id must be a GUID.');
  }
  const isDay = typeof date === 'string' && DATE.test(date);
  if (!isDay || parseTimestamp(`${date}T00:00:00Z`) === null) {
    return reject('invalid_timestamp', 'date', 'The date must be a day such as 2026-11-21.');
  }
  if (body === '' || body === null || (isObject(body) && Object.keys(body).length === 0)) {
    return { accepted: { ...receiptOf(context), empty: true } };
  }
  if (!isObject(body)) return reject('not_an_object', '', 'The payload must be a JSON object.');
  if (context.isTooDeep(body)) return reject('too_deep', '', 'The payload is nested too deep.');
  const occurredAt = `${date}T00:00:00Z`;
  const event = DATED_EVENT;
  const identified = identify(rawId, { path: 'installationId', event }, context);
  const outcome =
    'reason' in identified
      ? { accepted: unidentified(identified, body, context) }
      : { accepted: { ...receiptOf(context), ...identified, event, occurredAt, properties: body } };
  return context.isTooLarge(body) ? rejectTooLarge(outcome) : outcome;
}

function reject(code: EventRejection['code'], path: string, message: string) {
  return { rejected: { code, path, message } };
}
