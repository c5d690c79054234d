import type pg from 'pg';

/** The portable type of a column. Arrays and objects are JSON. */
export type ColumnKind =
  'boolean' | 'int32' | 'int64' | 'double' | 'time' | 'date' | 'json' | 'text';

export interface Column {
  name: string;
  kind: ColumnKind;
}

/** The request is invalid; the message explains why in one sentence. */
export class ExportRefused extends Error {
  override readonly name = 'ExportRefused';
}

const KINDS: Readonly<Record<string, ColumnKind>> = {
  bool: 'boolean',
  int2: 'int32',
  int4: 'int32',
  int8: 'int64',
  float4: 'double',
  float8: 'double',
  numeric: 'double',
  timestamptz: 'time',
  date: 'date',
  json: 'json',
  jsonb: 'json',
};

/** The columns of a view of `fleet`. @throws ExportRefused if the view does not exist */
export async function columnsOf(client: pg.ClientBase, view: string): Promise<Column[]> {
  const { rows } = await client.query<{ name: string; type: string; is_list: boolean }>(
    `SELECT a.attname AS name, t.typname AS type, t.typcategory = 'A' AS is_list
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
       JOIN pg_type t ON t.oid = a.atttypid
      WHERE c.relnamespace = 'fleet'::regnamespace AND c.relkind IN ('v', 'm') AND c.relname = $1
        AND NOT a.attisdropped
      ORDER BY a.attnum`,
    [view],
  );
  if (rows.length === 0) throw new ExportRefused(await noSuchView(client, view));
  return rows.map(({ name, type, is_list }) => ({
    name,
    kind: is_list ? 'json' : (KINDS[type] ?? 'text'),
  }));
}

async function noSuchView(client: pg.ClientBase, view: string): Promise<string> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
      WHERE relnamespace = 'fleet'::regnamespace AND relkind IN ('v', 'm') ORDER BY 1`,
  );
  const names = rows.map(({ name }) => name).join(', ');
  return `There is no view ${JSON.stringify(view)} in fleet; there are ${names}.`;
}
