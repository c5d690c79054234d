const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):?(\d\d))$/;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * Agents send whole seconds and networks take their time, so a difference below this is no skew:
 * the event's own clock stands as it is.
 */
const BELIEVED_SKEW_MS = MINUTE_MS;

/**
 * Milliseconds since 1970 of an RFC 3339 time, or null. An offset without its colon (`+0530`), as
 * dcos-signal writes it, and fractions of any length (cut to milliseconds) are understood; a time
 * without an offset is not, for it could be any of forty.
 */
export function parseTimestamp(raw: unknown): number | null {
  if (typeof raw !== 'string') return null;
  const match = RFC_3339.exec(raw.trim());
  if (!match) return null;
  const [, year, month, day, hour, minute, second, fraction, sign, offsetHours, offsetMinutes] =
    match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return null;
  if (Number(offsetHours ?? 0) > 23 || Number(offsetMinutes ?? 0) > 59) return null;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (date.getUTCMonth() !== Number(month) - 1) return null; // a day that the month does not have
  const milliseconds = Number((fraction ?? '0').padEnd(3, '0').slice(0, 3));
  const time = date.setUTCHours(Number(hour), Number(minute), Number(second), milliseconds);
  const offset = (Number(offsetHours ?? 0) * 60 + Number(offsetMinutes ?? 0)) * MINUTE_MS;
  return sign === '-' ? time + offset : time - offset;
}

/** A time without the digits of its fraction that no clock has: they may be anything. */
export function safeTime(time: string): string {
  return time.replace(/(\.\d{9})\d+/, '$1');
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
