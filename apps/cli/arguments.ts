import { InvalidArgumentError } from 'commander';

/** A number of days or hours: decimal digits, with a fraction or without. */
export function positiveNumber(text: string): number {
  const value = /^\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : NaN;
  if (value > 0) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}

/** The same, or 0. */
export function numberFromZero(text: string): number {
  return /^0+(\.0+)?$/.test(text) ? 0 : positiveNumber(text);
}

const FIRST_YEAR = 1;
const LAST_YEAR = 9999;

/** A day or a time, of a year that the database can hold. */
export function moment(text: string): Date {
  const time = new Date(text);
  const year = time.getUTCFullYear();
  if (year >= FIRST_YEAR && year <= LAST_YEAR) return time;
  throw new InvalidArgumentError(
    `It must be a day or a time of the years ${FIRST_YEAR} to ${LAST_YEAR}, such as 2026-01-31T12:00:00Z.`,
  );
}
