import { InvalidArgumentError, type Command } from 'commander';

/** Parses a number of days or hours: decimal digits with an optional fraction. */
export function parsePositiveNumber(text: string): number {
  const value = /^\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : NaN;
  if (value > 0) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}

/** Parses a number of days that Postgres can add to a date: at most 100 years. */
export function parseLifetime(text: string): number {
  const days = parsePositiveNumber(text);
  if (days <= 36_500) return days;
  throw new InvalidArgumentError('It must be at most 36500.');
}

export function parseNonNegativeNumber(text: string): number {
  return /^0+(\.0+)?$/.test(text) ? 0 : parsePositiveNumber(text);
}

/** RFC 3339, with its offset: a time without one would depend on the machine that runs the command. */
const TIME =
  /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;
const DAY = /^\d{4}-\d\d-\d\d$/;
const FIRST_TIME = Date.parse('0001-01-01T00:00:00Z');
const LAST_TIME = Date.parse('9999-12-31T23:59:59.999Z');

/** Adds --from and --to. @param subject what they select, such as `events received` */
export function timeRange(command: Command, subject: string): Command {
  return command
    .option('--from <time>', `${subject} at or after this time or day`, parseTime)
    .option('--to <time>', `${subject} before this time or day`, parseTime);
}

/** Adds --limit and --after, with which a list is read page by page. */
export function paged(command: Command): Command {
  return command
    .option('--limit <n>', 'how many to list', '50')
    .option('--after <id>', 'continue after the one with this id, the last of the previous page');
}

/** Parses a time, or the first moment of a day in UTC, within the years that the database can hold. */
export function parseTime(text: string): Date {
  const written = text.toUpperCase();
  const time = new Date(written);
  const isValid = (TIME.test(written) || DAY.test(written)) && isDay(written.slice(0, 10));
  if (isValid && +time >= FIRST_TIME && +time <= LAST_TIME) return time;
  throw new InvalidArgumentError(
    'It must be a time with its offset, such as 2026-01-31T12:00:00Z, or a day (UTC), such as 2026-01-31.',
  );
}

/** Whether the calendar has this day. JavaScript takes 31 February for 3 March. */
function isDay(text: string): boolean {
  const date = new Date(text);
  return !Number.isNaN(+date) && date.toISOString().startsWith(text);
}
