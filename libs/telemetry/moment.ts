/** A moment, to the nanosecond: a number of milliseconds could not hold what some clients send. */
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

/** What Go's `Time.String` prints after the offset: the name of the zone, and the monotonic clock. */
const AFTER_OFFSET = /(:\d\d(?:\.\d{1,9})? [+-]\d{4}) [A-Z\d+-]{1,6}(?: m=[+-][\d.]{1,30})?$/;

const DIGITS = /^(\d{10,19})(?:[.,](\d{1,30}))?$/;

/**
 * From 2001 to 2099: in this range no number of one unit is a number of another, and none has the twelve
 * digits of a cloud account.
 */
const EARLIEST_S = 1_000_000_000;
const LATEST_S = 4_100_000_000;

const NANOSECONDS_PER_SECOND = 1_000_000_000n;
/** How many digits of a second's fraction are before the point: of seconds, milliseconds, micro- and nanoseconds. */
const UNIT_DIGITS = [0, 3, 6, 9];

/**
 * Understands a time as agents write it, the same in every dialect; null if it is none.
 * - ISO 8601 with an offset: `Z`, `UTC`, `+00`, `+0530`, `+05:30`, Java's `[Europe/Berlin]` after an offset, or `[UTC]`
 *   without one. A blank may be in place of the `T` and before the offset, seconds may be missing, a
 *   comma may begin the fraction. `20261121T052630Z`, and what Go prints. A time without an offset could be any
 *   of forty, and is none.
 * - Seconds, milliseconds, microseconds or nanoseconds since 1970, as a number or as digits.
 */
export function parseMoment(raw: unknown): Moment | null {
  if (typeof raw === 'number') return parseDigits(`${raw}`);
  if (typeof raw !== 'string') return null;
  const text = raw.trim();
  return parseDateAndTime(text) ?? parseDigits(text) ?? parseRareForm(text);
}

function parseRareForm(text: string): Moment | null {
  const usual = withoutZoneName(text).replace(BASIC, '$1-$2-$3T$4:$5:$6');
  return usual === text ? null : parseDateAndTime(usual);
}

/** A time without what Go prints after its offset. */
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
