import type { DefectReason } from './vocabulary.js';

/** A value that made sense, or the reason why it did not. */
export type Reading<T> = { value: T } | { defect: DefectReason };

const DECIMAL = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
// Postgres refuses NUL in text, and a terminal should not be steered by a package's name.
const CONTROL = /\p{Cc}/gu;

/**
 * The largest numbers of the usual integer types, and the smallest of 32 bits. Programs write them for "no limit"
 * and "unknown", so they are never a measurement. 2^63-1 and 2^64-1 are read as 2^63 and 2^64, and 2^53 is 2^63
 * in kilobytes.
 */
const NO_LIMIT = new Set([2 ** 31 - 1, 2 ** 32 - 1, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 2 ** 64]);
const SMALLEST = -(2 ** 31);

/** The largest count unless a metric declares another: more than that does not fit an integer column. */
export const MAX_COUNT = 2 ** 31 - 2;

/** A whole number from 0 to `most`. Numbers sent as text ("3", "3\n") are read. */
export function asCount(raw: unknown, most = MAX_COUNT): Reading<number> {
  const figure = asFigure(raw, Infinity);
  if ('defect' in figure) return figure;
  if (!Number.isInteger(figure.value)) return { defect: 'fractional' };
  return isPlausible(figure.value, most) ? figure : { defect: 'out_of_range' };
}

/** A number from 0 to `most`, such as CPUs or megabytes. Numbers sent as text are read. */
export function asFigure(raw: unknown, most: number): Reading<number> {
  const number = asNumber(raw);
  if (number === null) return { defect: 'not_a_number' };
  if (number < 0) return { defect: 'negative' };
  if (!isPlausible(number, most)) return { defect: 'out_of_range' };
  return { value: number === 0 ? 0 : number }; // -0 is 0: the same content must have the same hash
}

/** Whether a number may be a measurement: it is at most `most` in size, and no type's largest or smallest number. */
export function isPlausible(number: number, most: number): boolean {
  const size = Math.abs(number);
  return Number.isFinite(number) && size <= most && !NO_LIMIT.has(size) && number !== SMALLEST;
}

/** Text without surrounding blanks and control characters, at most `maxLength` UTF-16 units. */
export function asText(raw: unknown, maxLength: number): Reading<string> {
  if (typeof raw !== 'string') return { defect: 'not_text' };
  const value = cleanText(raw);
  if (value === '') return { defect: 'malformed' };
  return value.length > maxLength ? { defect: 'too_long' } : { value };
}

/** What Postgres can hold and a terminal can show: well-formed Unicode, no control characters. */
export function cleanText(raw: string): string {
  return raw.toWellFormed().replace(CONTROL, '').trim();
}

/** As `parseJson` leaves a number that is not finite, and as clients send it that know that JSON has none. */
const NOT_FINITE = /^[+-]?(?:nan|inf|infinity|1e999)$/i;
const MOST_CHARACTERS = '-Infinity'.length;

/** Whether a text spells a number that is not finite. */
export function isNotFinite(raw: unknown): boolean {
  return typeof raw === 'string' && raw.length <= MOST_CHARACTERS && NOT_FINITE.test(raw);
}

function asNumber(raw: unknown): number | null {
  if (typeof raw === 'number') return Number.isNaN(raw) ? null : raw;
  if (typeof raw !== 'string') return null;
  const trimmed = raw.trim();
  return DECIMAL.test(trimmed) ? Number(trimmed) : null;
}
