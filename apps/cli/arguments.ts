import { InvalidArgumentError } from 'commander';

/** Parses a number of days or hours: decimal digits with an optional fraction. */
export function parsePositiveNumber(text: string): number {
  const value = /^\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : NaN;
  if (value > 0) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}

export function parseNonNegativeNumber(text: string): number {
  return /^0+(\.0+)?$/.test(text) ? 0 : parsePositiveNumber(text);
}

const FIRST_YEAR = 1;
const LAST_YEAR = 9999;

/** Parses a day or a time, within the years that the database can hold. */
export function parseTime(text: string): Date {
  const time = new Date(text);
  const year = time.getUTCFullYear();
  if (year >= FIRST_YEAR && year <= LAST_YEAR) return time;
  throw new InvalidArgumentError(
    `It must be a day or time in the years ${FIRST_YEAR} to ${LAST_YEAR}, such as 2026-01-31T12:00:00Z.`,
  );
}
