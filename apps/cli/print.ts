import type { Writable } from 'node:stream';

/** A column of a table: its heading, and what a row has in it. */
export type Column<T> = readonly [heading: string, cell: (row: T) => unknown];

/** Writes answers: as they are with `--json`, else for people. */
export class Printer {
  constructor(
    private readonly out: Writable,
    private readonly isJson: boolean,
  ) {}

  /** An answer; `tell` says it in lines for people. */
  answer(answer: unknown, tell: () => readonly string[]): void {
    const lines = this.isJson ? [JSON.stringify(answer, null, 2)] : tell();
    for (const line of lines) this.out.write(`${line}\n`);
  }
}

/** Lines of a table with aligned columns; one line that says so where there are no rows. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[]): string[] {
  if (rows.length === 0) return ['There are none.'];
  const heads = columns.map(([heading]) => heading);
  const cells = [heads, ...rows.map((row) => columns.map(([, cell]) => show(cell(row))))];
  const widths = heads.map((_, at) => Math.max(...cells.map((line) => line[at]?.length ?? 0)));
  return cells.map((line) =>
    line
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** What an answer says of one thing. */
export type Row = Record<string, unknown>;

/** A table of all that rows hold, with the fields of the first one as its columns. */
export function tableOfAll(rows: readonly Row[]): string[] {
  const names = Object.keys(rows[0] ?? {});
  return table(
    rows,
    names.map((name): Column<Row> => [name.toUpperCase(), (row) => row[name]]),
  );
}

/** One line for each field, nested ones below their parent's name. */
export function fields(value: object, prefix = ''): string[] {
  const entries = Object.entries(value).flatMap(([name, field]): [string, unknown][] =>
    field !== null && typeof field === 'object' && !Array.isArray(field)
      ? Object.entries(field as object).map(([inner, it]) => [`${name}.${inner}`, it])
      : [[name, field]],
  );
  const width = Math.max(0, ...entries.map(([name]) => name.length));
  return entries.map(([name, field]) => `${prefix}${name.padEnd(width)}  ${show(field)}`);
}

/**
 * A value on one line. Paths and names are of the agents' choosing: what would steer a terminal is
 * shown as a question mark.
 */
export function show(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  const shown = typeof value === 'string' ? value : JSON.stringify(value);
  return shown.replace(/\p{C}/gu, '?');
}
