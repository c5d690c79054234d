import type pg from 'pg';

/** What an erasure itself remembers of its installations, to be removed last. */
const OWN = 'erasure_target';

/**
 * Every table with data of installations: read from the database itself, so that none can be forgotten.
 * Of a partitioned table the whole.
 */
export async function tablesOfInstallations(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
        AND NOT c.relispartition AND a.attname = 'installation_id' AND c.relname <> $1
        AND c.relname NOT LIKE '%\\_rewritten'
      ORDER BY c.relname`,
    [OWN],
  );
  return rows.map(({ name }) => name);
}

/**
 * A table, or the partitions of one that has some; those that are leaving it are among them. By one
 * snapshot: a month that another one takes the place of meanwhile is named once, for both have its name.
 * (`pg_partition_tree` would wait for that to end, and then name neither.)
 */
export async function partitionsOf(client: pg.ClientBase, table: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
      WHERE relkind = 'r' AND (oid = $1::regclass
         OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = $1::regclass))
      ORDER BY 1`,
    [table],
  );
  return rows.map(({ name }) => name);
}

/** How many rows each of these tables has of these installations. */
export async function countRows(
  client: pg.ClientBase,
  tables: readonly string[],
  installationIds: readonly string[],
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of tables) {
    const { rows } = await client.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM ${table} WHERE installation_id = ANY ($1::uuid[])`,
      [installationIds],
    );
    counts[table] = rows[0]?.count ?? 0;
  }
  return counts;
}

/** How many rows each of these tables has of the installations of these erasures. */
export async function countRowsOfErasures(
  client: pg.ClientBase,
  tables: readonly string[],
  erasureIds: readonly string[],
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const withTime = await tablesWithReceiveTime(client);
  for (const table of tables) {
    const isReached = withTime.has(table) ? 'x.received_at <= t.received_until' : 'false';
    const { rows } = await client.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM ${table} x JOIN erasure_target t USING (installation_id)
        WHERE t.erasure_id = ANY ($1) AND (t.received_until IS NULL OR ${isReached})`,
      [erasureIds],
    );
    counts[table] = rows[0]?.count ?? 0;
  }
  return counts;
}

/** Those whose rows have the time at which they were received. */
export async function tablesWithReceiveTime(client: pg.ClientBase): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
        AND a.attname = 'received_at' AND NOT a.attisdropped`,
  );
  return new Set(rows.map(({ name }) => name));
}
