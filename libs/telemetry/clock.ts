import { parseMoment, UTC_ZONE, withoutZoneName } from './moment.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * Agents send whole seconds and networks take their time, so a difference below this is no skew:
 * the event's own clock stands as it is.
 */
const BELIEVED_SKEW_MS = MINUTE_MS;

/** Milliseconds since 1970 of a time in any form that `parseMoment` understands; null if it is none. */
export function parseTimestamp(raw: unknown): number | null {
  const moment = parseMoment(raw);
  return moment && moment.seconds * 1000 + Math.floor(moment.nanoseconds / 1_000_000);
}

/**
 * The one text of a moment, in UTC and to the nanosecond: equal moments have equal texts in whatever form they
 * were sent. Null if it is none. Events without an id are known by it, so it leaves the forms as they are that
 * their agents write (JavaScript, posthog-python, Muster's own examples).
 */
export function canonicalTime(raw: unknown): string | null {
  const moment = parseMoment(raw);
  if (!moment) return null;
  const second = new Date(moment.seconds * 1000).toISOString().slice(0, -'.000Z'.length);
  const digits = `${moment.nanoseconds}`.padStart(9, '0').replace(/(?:000){1,3}$/, '');
  if (digits === '') return `${second}Z`;
  // posthog-python writes microseconds, and this offset.
  if (digits.length === 6) return `${second}.${digits}+00:00`;
  return `${second}.${digits.length === 9 ? digits.replace(/0{1,2}$/, '') : digits}Z`;
}

/**
 * A time as a client gave it, as text for its envelope. Undefined if it gave none. If it gave neither text nor a
 * number, this is text that is no time, so that the defect is recorded.
 */
export function timeText(raw: unknown): string | undefined {
  if (raw === undefined || raw === null || raw === '') return undefined;
  return typeof raw === 'string' || typeof raw === 'number' ? `${raw}` : NO_TIME;
}

export const NO_TIME = 'no time';

const IS_DIGITS = /^[\d.,]+$/;

/**
 * A time as it may be kept: without the digits of its fraction that no clock has, and without the name of its
 * zone, since both may be anything. A number becomes a date, so that it cannot be taken for another number.
 */
export function safeTime(time: string): string {
  const text = withoutZoneName(time.trim());
  if (IS_DIGITS.test(text)) return canonicalTime(text) ?? '';
  const at = text.indexOf('[');
  const zone = at === -1 ? '' : text.slice(at);
  const moment = at === -1 ? text : text.slice(0, at);
  return moment.replace(/([.,]\d{9})\d+/, '$1') + (UTC_ZONE.test(zone) ? zone : '');
}

/** Which clock an event's time was taken from. */
export type Clock = 'agent' | 'corrected' | 'received';

export interface ObservedTime {
  observedAt: number;
  clock: Clock;
}

/**
 * When an event happened, in milliseconds since 1970. The event's own clock is believed; where
 * `sentAt` shows that it is off by a minute or more, the time is corrected by Segment's formula,
 * receivedAt − (sentAt − occurredAt). A time more than a day ahead of the receive time, or older
 * than the retention, is not believed and the receive time takes its place.
 */
export function observe(times: {
  occurredAt: number | null;
  sentAt: number | null;
  receivedAt: number;
  retentionMs: number;
}): ObservedTime {
  const { occurredAt, sentAt, receivedAt, retentionMs } = times;
  if (occurredAt === null) return { observedAt: receivedAt, clock: 'received' };
  const skew = sentAt === null ? 0 : receivedAt - sentAt;
  const isSkewed = Math.abs(skew) >= BELIEVED_SKEW_MS;
  const observedAt = isSkewed ? occurredAt + skew : occurredAt;
  if (observedAt > receivedAt + DAY_MS || observedAt < receivedAt - retentionMs) {
    return { observedAt: receivedAt, clock: 'received' };
  }
  return { observedAt, clock: isSkewed ? 'corrected' : 'agent' };
}
