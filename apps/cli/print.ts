import type { Writable } from 'node:stream';

/** A column of a table: its heading and its cell in a row. */
export type Column<T> = readonly [heading: string, cell: (row: T) => unknown];

/** Prints responses: as JSON with `--json`, otherwise as text. */
export class Printer {
  constructor(
    private readonly out: Writable,
    private readonly isJson: boolean,
  ) {}

  /** @param toLines formats the response as text */
  print(response: unknown, toLines: () => readonly string[]): void {
    const lines = this.isJson ? [JSON.stringify(response, null, 2)] : toLines();
    for (const line of lines) this.out.write(`${line}\n`);
  }
}

/** Lines of a table with aligned columns, or "No results." */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[]): string[] {
  if (rows.length === 0) return ['No results.'];
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

/** A table with a column for each field of the first row. */
export function tableOfAll(rows: readonly object[]): string[] {
  const names = Object.keys(rows[0] ?? {});
  return table(
    rows as readonly Record<string, unknown>[],
    names.map((name) => [name.toUpperCase(), (row) => row[name]]),
  );
}

/** One line per field. Nested fields are prefixed with their parent's name. */
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
 * A value on one line. Agents choose paths and names, so control characters, which could steer a terminal, are
 * shown as question marks.
 */
export function show(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  const shown = typeof value === 'string' ? value : JSON.stringify(value);
  return shown.replace(/\p{C}/gu, '?');
}
