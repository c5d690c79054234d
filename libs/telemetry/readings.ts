import type { DefectReason } from './vocabulary.js';

/** A valid value, or the reason why it is invalid. */
export type Reading<T> = { value: T } | { defect: DefectReason };

const DECIMAL = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
// Postgres rejects NUL in text, and control characters in a name could steer a terminal.
const CONTROL = /\p{Cc}/gu;

/** In bytes. Linux rounds the limit of a cgroup down to whole pages. */
const PAGE_SIZES = [4096n, 16_384n, 65_536n];
const KB = 1024n;
const MB = KB * KB;

/**
 * The largest numbers of common integer types. Programs send them, and the smallest 32-bit number, for "no limit" and
 * "unknown", so they are never measurements. They occur in bytes, also rounded down to whole pages, in kilobytes,
 * megabytes and pages. Converted and rounded up, they are powers of two. Of these only those from 2^53 on are
 * sentinels: 2^43, for example, may be the size of a disk.
 */
const SENTINELS = new Set([
  ...[2 ** 31 - 1, 2 ** 32 - 1, 2 ** 53, 2 ** 54, 2 ** 63, 2 ** 64],
  ...[2n ** 63n, 2n ** 64n].flatMap(noLimits),
]);

/** The largest number of bytes below `end`, in all units and page sizes. */
function noLimits(end: bigint): number[] {
  const largest = PAGE_SIZES.flatMap((page) => {
    const inBytes = [end - 1n, end - page];
    return inBytes.flatMap((bytes) => [bytes, bytes / KB, bytes / MB, bytes / page]);
  });
  return largest.map(Number);
}

const MIN_INT32 = -(2 ** 31);

/** The default maximum of a count. It fits an integer column. */
export const MAX_COUNT = 2 ** 31 - 2;

/** Reads a whole number from 0 to `max`. Numbers sent as text ("3", "3\n") are accepted. */
export function asCount(raw: unknown, max = MAX_COUNT): Reading<number> {
  const number = asNonNegativeNumber(raw, Infinity);
  if ('defect' in number) return number;
  if (!Number.isInteger(number.value)) return { defect: 'fractional' };
  return isPlausible(number.value, max) ? number : { defect: 'out_of_range' };
}

/** Reads a number from 0 to `max`, such as CPUs or megabytes. Numbers sent as text are accepted. */
export function asNonNegativeNumber(raw: unknown, max: number): Reading<number> {
  const number = asNumber(raw);
  if (number === null) return { defect: 'not_a_number' };
  if (number < 0) return { defect: 'negative' };
  if (!isPlausible(number, max)) return { defect: 'out_of_range' };
  return { value: number === 0 ? 0 : number }; // -0 becomes 0, so that equal contents have equal hashes
}

/** Whether a number may be a measurement: its absolute value is at most `max`, and it is not a sentinel. */
export function isPlausible(number: number, max: number): boolean {
  const size = Math.abs(number);
  return Number.isFinite(number) && size <= max && !SENTINELS.has(size) && number !== MIN_INT32;
}

/** Reads text of at most `maxLength` UTF-16 units, without surrounding blanks and control characters. */
export function asText(raw: unknown, maxLength: number): Reading<string> {
  if (typeof raw !== 'string') return { defect: 'not_text' };
  const value = cleanText(raw);
  if (value === '') return { defect: 'malformed' };
  return value.length > maxLength ? { defect: 'too_long' } : { value };
}

/** Cleans text for Postgres and terminals: well-formed Unicode without control characters. */
export function cleanText(raw: string): string {
  return raw.toWellFormed().replace(CONTROL, '').trim();
}

/** Non-finite numbers as text, from `parseJson` or from clients that know that JSON cannot represent them. */
const NOT_FINITE = /^[+-]?(?:nan|inf|infinity|1e999)$/i;
const MAX_CHARACTERS = '-Infinity'.length;

/** Whether a value is the text of a non-finite number. */
export function isNotFinite(raw: unknown): boolean {
  return typeof raw === 'string' && raw.length <= MAX_CHARACTERS && NOT_FINITE.test(raw);
}

function asNumber(raw: unknown): number | null {
  if (typeof raw === 'number') return Number.isNaN(raw) ? null : raw;
  if (typeof raw !== 'string') return null;
  const trimmed = raw.trim();
  return DECIMAL.test(trimmed) ? Number(trimmed) : null;
}
