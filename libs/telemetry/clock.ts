import { parseMoment, UTC_ZONE, withoutZoneName } from './moment.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * Agents send whole seconds and networks are slow, so a smaller difference is not treated as skew.
 */
const MIN_SKEW_MS = MINUTE_MS;

/** Milliseconds since 1970 of a time in any form that `parseMoment` accepts; null if it is not a time. */
export function parseTimestamp(raw: unknown): number | null {
  const moment = parseMoment(raw);
  return moment && moment.seconds * 1000 + Math.floor(moment.nanoseconds / 1_000_000);
}

/**
 * The canonical text of a time, in UTC and to the nanosecond: equal times have equal texts, whatever form they were
 * sent in. Null if it is not a time. It identifies events without an id, so it keeps the forms that their agents
 * write (JavaScript, posthog-python, Muster's examples).
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
 * The text of a client's time, for the envelope. Undefined if the client sent none. A value that is neither text nor
 * a number becomes `INVALID_TIME`, so that the defect is recorded.
 */
export function timeText(raw: unknown): string | undefined {
  if (raw === undefined || raw === null || raw === '') return undefined;
  return typeof raw === 'string' || typeof raw === 'number' ? `${raw}` : INVALID_TIME;
}

export const INVALID_TIME = 'no time';

const IS_DIGITS = /^[\d.,]+$/;

/**
 * A time in a form that may be stored: without fraction digits beyond nanoseconds and without the zone name, because
 * both may contain anything. A number becomes a date, so that it cannot be mistaken for another kind of number.
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
 * When an event happened, in milliseconds since 1970. The agent's clock is trusted, unless `sentAt` shows that it is
 * off by a minute or more; then Segment's formula corrects it: receivedAt − (sentAt − occurredAt). A time more than
 * a day ahead of the receive time, or older than the retention, is replaced by the receive time.
 */
export function observeTime(times: {
  occurredAt: number | null;
  sentAt: number | null;
  receivedAt: number;
  retentionMs: number;
}): ObservedTime {
  const { occurredAt, sentAt, receivedAt, retentionMs } = times;
  if (occurredAt === null) return { observedAt: receivedAt, clock: 'received' };
  const skew = sentAt === null ? 0 : receivedAt - sentAt;
  const isSkewed = Math.abs(skew) >= MIN_SKEW_MS;
  const observedAt = isSkewed ? occurredAt + skew : occurredAt;
  if (observedAt > receivedAt + DAY_MS || observedAt < receivedAt - retentionMs) {
    return { observedAt: receivedAt, clock: 'received' };
  }
  return { observedAt, clock: isSkewed ? 'corrected' : 'agent' };
}
