export type Row = Record<string, unknown>;

/** Builds rows from column names and values. */
export function table(columns: string, ...rows: unknown[][]): Row[] {
  const names = columns.split(' ');
  return rows.map((values) =>
    Object.fromEntries(names.map((name, column) => [name, values[column]])),
  );
}
