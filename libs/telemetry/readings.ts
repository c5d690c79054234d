import type { DefectReason } from './vocabulary.js';

/** A value that made sense, or the reason why it did not. */
export type Reading<T> = { value: T } | { defect: DefectReason };

const DECIMAL = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
// Postgres refuses NUL in text, and a terminal should not be steered by a package's name.
const CONTROL = /\p{Cc}/gu;
const MAX_INT32 = 2_147_483_647;

/** A whole number from 0 to 2^31-1. Numbers sent as text ("3", "3\n") are mended. */
export function asCount(raw: unknown): Reading<number> {
  const figure = asFigure(raw);
  if ('defect' in figure) return figure;
  if (!Number.isInteger(figure.value)) return { defect: 'fractional' };
  if (figure.value > MAX_INT32) return { defect: 'out_of_range' };
  return figure;
}

/** A finite number from 0 up, such as CPUs or megabytes. Numbers sent as text are mended. */
export function asFigure(raw: unknown): Reading<number> {
  const number = asNumber(raw);
  if (number === null) return { defect: 'not_a_number' };
  if (!Number.isFinite(number)) return { defect: 'out_of_range' };
  if (number < 0) return { defect: 'negative' };
  return { value: number === 0 ? 0 : number }; // -0 is 0: the same content must have the same hash
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
