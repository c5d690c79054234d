export type Row = Record<string, unknown>;

/** Rows by the names of their columns, and the values of each. */
export function table(columns: string, ...rows: unknown[][]): Row[] {
  const names = columns.split(' ');
  return rows.map((values) =>
    Object.fromEntries(names.map((name, column) => [name, values[column]])),
  );
}
