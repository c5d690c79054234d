import pg from 'pg';

const ROLE_EXISTS = new Set(['42710', '23505']); // created by another in the meantime

/**
 * The role `analyst`: reads the schema `fleet`, and nothing else. It is made without a login; a
 * password gives it one. Roles belong to the whole server, so it may already be there.
 */
export async function ensureAnalyst(client: pg.ClientBase, password?: string): Promise<void> {
  await createRole(client);
  if (password !== undefined) {
    await client.query(`ALTER ROLE analyst LOGIN PASSWORD ${pg.escapeLiteral(password)}`);
  }
  const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name');
  const database = pg.escapeIdentifier(rows[0]?.name ?? '');
  await client.query(`
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
    REVOKE TEMPORARY ON DATABASE ${database} FROM PUBLIC;
    GRANT CONNECT ON DATABASE ${database} TO analyst;
    GRANT USAGE ON SCHEMA fleet TO analyst;
    GRANT SELECT ON ALL TABLES IN SCHEMA fleet TO analyst;
    ALTER ROLE analyst IN DATABASE ${database} SET search_path = fleet;
    ALTER ROLE analyst IN DATABASE ${database} SET default_transaction_read_only = on;
    ALTER ROLE analyst IN DATABASE ${database} SET statement_timeout = '5min';
  `);
}

async function createRole(client: pg.ClientBase): Promise<void> {
  const { rowCount } = await client.query(`SELECT FROM pg_roles WHERE rolname = 'analyst'`);
  if (rowCount) return;
  try {
    await client.query('CREATE ROLE analyst NOLOGIN');
  } catch (error) {
    if (!(error instanceof pg.DatabaseError && ROLE_EXISTS.has(error.code ?? ''))) throw error;
  }
}
