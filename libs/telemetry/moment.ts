/** A moment to the nanosecond, which some clients send. */
export interface Moment {
  /** Whole seconds since 1970; negative before. */
  seconds: number;
  /** From 0 to 999,999,999. */
  nanoseconds: number;
}

/** The zones in which a time without an offset is unambiguous. */
export const UTC_ZONE = /^\[(?:UTC|GMT|Z|Etc\/UTC)\]$/;

/** The day, the time of day, the offset, and the name of the zone as Java prints it. */
const DATE_AND_TIME =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt]| {1,2})(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)? ?(?:(Z|z|UTC|GMT)|([+-])(\d\d)(?::?(\d\d))?)?(\[[\w/+-]{1,40}\])?$/;

/** The basic format of ISO 8601: `20261121T052630Z`. */
const BASIC = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(?=[.,Z+-])/;

/** The zone name and the monotonic clock, which Go's `Time.String` prints after the offset. */
const AFTER_OFFSET = /(:\d\d(?:\.\d{1,9})? [+-]\d{4}) [A-Z\d+-]{1,6}(?: m=[+-][\d.]{1,30})?$/;

const DIGITS = /^(\d{10,19})(?:[.,](\d{1,30}))?$/;

/**
 * From 2001 to 2099. In this range the units cannot be confused, and no number has twelve digits like that of a cloud
 * account.
 */
const EARLIEST_S = 1_000_000_000;
const LATEST_S = 4_100_000_000;

const NANOSECONDS_PER_SECOND = 1_000_000_000n;
/** The decimal exponent of each unit: seconds, milliseconds, microseconds, nanoseconds. */
const UNIT_DIGITS = [0, 3, 6, 9];

/**
 * Parses a time as agents write it, for every dialect. Null if it is not a time.
 * - ISO 8601 with an offset: `Z`, `UTC`, `+00`, `+0530`, `+05:30`, Java's `[Europe/Berlin]` after an offset, or `[UTC]`
 *   without one. A blank may replace the `T` and precede the offset, seconds may be missing, a
 *   comma may begin the fraction. `20261121T052630Z`, and the output of Go. A time without an offset is ambiguous,
 *   and therefore rejected.
 * - Seconds, milliseconds, microseconds or nanoseconds since 1970, as a number or as digits.
 */
export function parseMoment(raw: unknown): Moment | null {
  if (typeof raw === 'number') return parseDigits(`${raw}`);
  if (typeof raw !== 'string') return null;
  const text = raw.trim();
  return parseDateAndTime(text) ?? parseDigits(text) ?? parseRareForm(text);
}

function parseRareForm(text: string): Moment | null {
  const commonForm = withoutZoneName(text).replace(BASIC, '$1-$2-$3T$4:$5:$6');
  return commonForm === text ? null : parseDateAndTime(commonForm);
}

/** Removes what Go prints after the offset. */
export function withoutZoneName(text: string): string {
  return text.replace(AFTER_OFFSET, '$1');
}

function parseDateAndTime(text: string): Moment | null {
  const match = DATE_AND_TIME.exec(text);
  if (!match) return null;
  const [, year, month, day, hour, minute, second, fraction, utc, sign, ...rest] = match;
  const [offsetHours, offsetMinutes, zone] = rest;
  if (!utc && !sign && !UTC_ZONE.test(zone ?? '')) return null;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second ?? 0) > 60) return null;
  if (Number(offsetHours ?? 0) > 23 || Number(offsetMinutes ?? 0) > 59) return null;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (date.getUTCMonth() !== Number(month) - 1) return null; // a day that the month does not have
  const local = date.setUTCHours(Number(hour), Number(minute), Number(second ?? 0)) / 1000;
  const offset = (Number(offsetHours ?? 0) * 60 + Number(offsetMinutes ?? 0)) * 60;
  const nanoseconds = Number((fraction ?? '').padEnd(9, '0').slice(0, 9));
  return { seconds: sign === '-' ? local + offset : local - offset, nanoseconds };
}

function parseDigits(text: string): Moment | null {
  const [, whole, fraction = ''] = DIGITS.exec(text) ?? [];
  if (whole === undefined) return null;
  const digits = UNIT_DIGITS.find((it) => isWithinRange(Number(whole) / 10 ** it));
  if (digits === undefined) return null;
  const time = BigInt(whole + fraction.padEnd(9 - digits, '0').slice(0, 9 - digits));
  return {
    seconds: Number(time / NANOSECONDS_PER_SECOND),
    nanoseconds: Number(time % NANOSECONDS_PER_SECOND),
  };
}

function isWithinRange(seconds: number): boolean {
  return seconds >= EARLIEST_S && seconds < LATEST_S;
}
