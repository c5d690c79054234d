import { parseTimestamp } from './clock.js';
import type { EventEnvelope, RequestContext } from './envelope.js';
import { canonicalJson, eventKey } from './identity.js';

/**
 * An event's id as text: a client that sends a number may send text when it retries. Undefined if the id is missing,
 * or a number so large that parsing JSON has changed it.
 */
export function idText(raw: unknown): string | undefined {
  if (typeof raw === 'string') return raw === '' ? undefined : raw;
  return typeof raw === 'number' && Number.isFinite(raw) && !isRounded(raw) ? `${raw}` : undefined;
}

/**
 * The id of an event without a usable one, for every dialect. Undefined if its content and time identify it. A rounded
 * number identifies it together with its content, so that a resend is recognised.
 * @param raw the id as the client wrote it
 * @param time as in the envelope
 */
export function substituteId(
  raw: unknown,
  time: string | undefined,
  { event, properties }: Pick<EventEnvelope, 'event' | 'properties'>,
  context: Pick<RequestContext, 'newId'>,
): string | undefined {
  if (time !== undefined && identifies(time)) return undefined;
  if (typeof raw !== 'number' || !isRounded(raw)) return context.newId();
  return eventKey('rounded', `${raw}`, event, canonicalJson(properties));
}

/** Two numbers may be rounded to the same one. */
function isRounded(id: number): boolean {
  return Number.isInteger(id) && !Number.isSafeInteger(id);
}

const TIME_OF_DAY = /\d:\d\d(?::\d\d)?/;
const NOT_ZERO = /[1-9]/;

/**
 * Whether a time distinguishes an event from others with the same content, even if Muster cannot read it, because its
 * offset is missing or its form is unknown. A day, a midnight, a number such as 0, and text such as "Invalid date" may
 * be in every event.
 */
function identifies(time: string): boolean {
  return parseTimestamp(time) !== null || NOT_ZERO.test(TIME_OF_DAY.exec(time)?.[0] ?? '');
}
