import type { RawRow } from './read-view.js';
import type { Column, ColumnKind } from './view-columns.js';

type Batches = AsyncIterable<RawRow[]>;
type ToText = (value: string) => string;

/** CSV as in RFC 4180, with a header, \n as line end and ISO 8601 times. Null is empty; an empty text is `""`. */
export async function* csvOf(columns: readonly Column[], batches: Batches): AsyncGenerator<string> {
  const write = columns.map(({ kind }) => CSV[kind] ?? quote);
  const line = (row: RawRow) =>
    row.map((value, at) => (value === null ? '' : (write[at] ?? quote)(value))).join(',');
  yield `${columns.map(({ name }) => quote(name)).join(',')}\n`;
  for await (const rows of batches) yield rows.map((row) => `${line(row)}\n`).join('');
}

/** One JSON object per line, with every column. Integers keep all their digits. */
export async function* ndjsonOf(
  columns: readonly Column[],
  batches: Batches,
): AsyncGenerator<string> {
  const write = columns.map(({ name, kind }): ((value: string | null) => string) => {
    const key = `${JSON.stringify(name)}:`;
    const toJson = JSON_TEXT[kind] ?? JSON.stringify;
    return (value) => key + (value === null ? 'null' : toJson(value));
  });
  const line = (row: RawRow) => write.map((toText, at) => toText(row[at] ?? null)).join(',');
  for await (const rows of batches) yield rows.map((row) => `{${line(row)}}\n`).join('');
}

/** Converts a timestamptz in Postgres' text format, in UTC, to ISO 8601. */
export function toIso(time: string): string {
  return time.endsWith('+00') ? `${time.slice(0, -3).replace(' ', 'T')}Z` : time;
}

const unchanged: ToText = (value) => value;
const toBoolean: ToText = (value) => (value.startsWith('t') ? 'true' : 'false');
const NOT_A_JSON_NUMBER = /[a-z]{2}/i; // NaN, Infinity; 1e+20 is one

const CSV: Partial<Record<ColumnKind, ToText>> = {
  boolean: toBoolean,
  int32: unchanged,
  int64: unchanged,
  double: unchanged,
  time: toIso,
  date: unchanged,
};

const JSON_TEXT: Partial<Record<ColumnKind, ToText>> = {
  boolean: toBoolean,
  int32: unchanged,
  int64: unchanged,
  double: (value) => (NOT_A_JSON_NUMBER.test(value) ? JSON.stringify(value) : value),
  time: (value) => JSON.stringify(toIso(value)),
  json: unchanged,
};

function quote(value: string): string {
  return value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
