import 'reflect-metadata';
import {
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  MaxLength,
  ValidateBy,
  validateSync,
} from 'class-validator';
import { timeText } from '../clock.js';
import type { EventEnvelope, ReceivedEnvelope, RequestContext } from '../envelope.js';
import {
  checkEventCount,
  InvalidRequest,
  unidentified,
  envelopeOf,
  withoutPayload,
} from '../envelope.js';
import { idText, substituteId } from '../event-id.js';
import { identify, type IdentifiedInstallation } from '../identify.js';
import { parseInstallationId } from '../identity.js';
import { compileChecks } from '../passes.js';
import type { Properties } from '../vocabulary.js';
import { isObject } from '../vocabulary.js';

export const rejectionCodes = [
  'not_an_object',
  'invalid_json',
  'invalid_guid',
  'invalid_timestamp',
  'invalid_text',
  'invalid_object',
  'product_mismatch',
  'event_too_large',
  'too_deep',
  'rate_limited',
] as const;
export type RejectionCode = (typeof rejectionCodes)[number];

/** Why one event of a request was rejected: a public code, the path within the event, a message. */
export interface EventRejection {
  code: RejectionCode;
  path: string;
  message: string;
}

/**
 * The outcome of an event. If its size is rejected and its installation is known, `trace` is queued, so that the
 * event is counted and appears in quarantine.
 */
export type EventOutcome =
  { accepted: ReceivedEnvelope } | { rejected: EventRejection; trace?: EventEnvelope };

const IsGuid = () =>
  ValidateBy({
    name: 'invalid_guid',
    validator: {
      validate: (value) => parseInstallationId(value) !== null,
      defaultMessage: () => '$property must be a GUID such as 70b28f00-e38f-41b2-a723-aab344f535b9',
    },
  });

/** The thin envelope of the native dialect. `properties` is not inspected here. */
class NativeEvent {
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(200) id: unknown;
  @IsGuid() installationId: unknown;
  @IsString() @IsNotEmpty() @MaxLength(64) product: unknown;
  @IsString() @IsNotEmpty() @MaxLength(128) event: unknown;
  @IsOptional() @IsString() @MaxLength(64) version: unknown;
  @IsObject() properties: unknown;
  /** Not validated: the worker records a time that it cannot read as a defect. */
  occurredAt: string | undefined;

  constructor(event: Record<string, unknown>) {
    this.id = idText(event.id) ?? event.id;
    this.installationId = event.installationId;
    this.product = event.product;
    this.event = event.event;
    this.version = event.version;
    this.properties = event.properties;
    this.occurredAt = timeText(event.occurredAt);
  }
}

/** An event that has passed the checks. */
interface ValidEvent {
  id: string | null | undefined;
  event: string;
  occurredAt: string | undefined;
  version: string | null | undefined;
  properties: Properties;
}

const passes = compileChecks(NativeEvent);

/**
 * Reads the body of `POST /v1/events`: one envelope or an array of them. Returns one outcome per event, in the order
 * of the request.
 */
export function readNative(body: unknown, context: RequestContext): EventOutcome[] {
  const events: unknown[] = Array.isArray(body) ? body : [body];
  checkEventCount(events.length, context);
  return events.map((event) => readNativeEvent(event, context));
}

function readNativeEvent(raw: unknown, context: RequestContext): EventOutcome {
  if (!isObject(raw)) return reject('not_an_object', '', 'An event must be a JSON object.');
  if (context.isTooDeep(raw)) return reject('too_deep', '', 'The event is nested too deep.');
  const outcome = readEnvelope(raw, context);
  return context.isTooLarge(raw) ? rejectTooLarge(outcome) : outcome;
}

function readEnvelope(raw: Record<string, unknown>, context: RequestContext): EventOutcome {
  const event = new NativeEvent(raw);
  if (!passes(event)) return describeViolation(event);
  if (event.product !== context.product) {
    const message = `The write key accepts only events of the product '${context.product}'.`;
    return reject('product_mismatch', 'product', message);
  }
  const place = { path: 'installationId', event: event.event };
  const identified = identify(event.installationId, place, context);
  if ('reason' in identified) {
    return { accepted: unidentified(identified, event.properties as Properties, context) };
  }
  return { accepted: toEnvelope(event as ValidEvent, identified, context) };
}

function toEnvelope(
  { id, event, version, properties, occurredAt }: ValidEvent,
  { installationId, formerIds }: IdentifiedInstallation,
  context: RequestContext,
): EventEnvelope {
  return envelopeOf(context, {
    id: id ?? substituteId(id, occurredAt, { event, properties }, context),
    installationId,
    formerIds,
    event,
    occurredAt,
    version: version ?? undefined,
    properties,
  });
}

function describeViolation(event: NativeEvent): EventOutcome {
  const violation = validateSync(event, { stopAtFirstError: true })[0];
  const [constraint, message] = Object.entries(violation?.constraints ?? {})[0] ?? ['', ''];
  return reject(codeOf(constraint), violation?.property ?? '', `${message}.`);
}

function codeOf(constraint: string): RejectionCode {
  if (constraint === 'invalid_guid') return constraint;
  return constraint === 'isObject' ? 'invalid_object' : 'invalid_text';
}

function reject(code: RejectionCode, path: string, message: string): EventOutcome {
  return { rejected: { code, path, message } };
}

/** Rejects an event for its size, regardless of other violations. */
export function rejectTooLarge(outcome: EventOutcome, path = ''): EventOutcome {
  const message = 'The event exceeds the size limit for one event.';
  const rejected = { code: 'event_too_large', path, message } as const;
  return 'accepted' in outcome && 'installationId' in outcome.accepted
    ? { rejected, trace: withoutPayload(outcome.accepted) }
    : { rejected };
}

/**
 * Reads the body of `POST /v1/events` with one envelope per line (NDJSON). Blank lines are skipped. A line that is
 * not JSON or nested too deep is rejected without affecting the others.
 */
export function readNativeLines(
  bytes: Buffer,
  parse: (line: Buffer) => unknown,
  context: RequestContext,
): EventOutcome[] {
  const lines = splitLines(bytes);
  checkEventCount(lines.length, context);
  return lines.map(({ number, text }) => {
    try {
      return readNativeEvent(parse(text), context);
    } catch (error) {
      if (!(error instanceof InvalidRequest)) throw error;
      if (error.code === 'too_deep') {
        return reject('too_deep', '', `Line ${number} of the body is nested too deep.`);
      }
      return reject('invalid_json', '', `Line ${number} of the body is not valid JSON.`);
    }
  });
}

function splitLines(bytes: Buffer): { number: number; text: Buffer }[] {
  const lines: { number: number; text: Buffer }[] = [];
  for (let start = 0, number = 1; start < bytes.length; number += 1) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline;
    const text = bytes.subarray(start, end);
    if (text.some((byte) => byte !== 0x20 && byte !== 0x0d && byte !== 0x09)) {
      lines.push({ number, text });
    }
    start = end + 1;
  }
  return lines;
}
