import pg from 'pg';

/** What Postgres says to whoever lacks a right. */
export const NOT_ALLOWED = '42501';
const ROLE_EXISTS = new Set(['42710', '23505']); // created by another in the meantime

/**
 * The role `analyst`: reads the schema `fleet`, and nothing else. It is made without a login; a
 * password gives it one. Roles belong to the whole server, so it may already be there. Where our own
 * user may not manage roles, that is said and left to an administrator.
 */
export async function ensureAnalyst(
  client: pg.ClientBase,
  password: string | undefined,
  log: (line: string) => void,
): Promise<void> {
  try {
    await createRole(client, 'analyst');
    if (password !== undefined) {
      await client.query(`ALTER ROLE analyst LOGIN PASSWORD ${pg.escapeLiteral(password)}`);
    }
    await limit(client);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError && error.code === NOT_ALLOWED)) throw error;
    log(
      'The role analyst could not be set up, because the user of DATABASE_URL may not manage roles. Grant it CREATEROLE, or create the role analyst and give it its password as an administrator.',
    );
  }
  const { rowCount } = await client.query(`SELECT FROM pg_roles WHERE rolname = 'analyst'`);
  if (rowCount) await grant(client);
  await closeLargeObjects(client);
}

/** Makes a role that cannot log in, unless it is there. */
export async function createRole(client: pg.ClientBase, name: string): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name]);
  if (rowCount) return;
  try {
    await client.query(`CREATE ROLE ${pg.escapeIdentifier(name)} NOLOGIN`);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError && ROLE_EXISTS.has(error.code ?? ''))) throw error;
  }
}

/**
 * Defaults that spare the fleet's database a careless query. To compile one takes longer than most of them
 * take; sorting a day of reports on disk, twice as long as in memory.
 */
async function limit(client: pg.ClientBase): Promise<void> {
  const database = await databaseName(client);
  for (const setting of [
    'search_path = fleet',
    'default_transaction_read_only = on',
    "statement_timeout = '5min'",
    'jit = off',
    "work_mem = '64MB'",
  ]) {
    await client.query(`ALTER ROLE analyst IN DATABASE ${database} SET ${setting}`);
  }
}

async function grant(client: pg.ClientBase): Promise<void> {
  const database = await databaseName(client);
  await client.query(`
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
    REVOKE TEMPORARY ON DATABASE ${database} FROM PUBLIC;
    GRANT CONNECT ON DATABASE ${database} TO analyst;
    GRANT USAGE ON SCHEMA fleet TO analyst;
    GRANT SELECT ON ALL TABLES IN SCHEMA fleet TO analyst`);
}

/**
 * Large objects belong to no schema: anybody may write them, if nobody says otherwise. Only a superuser
 * can, so this is done where we are one.
 */
async function closeLargeObjects(client: pg.ClientBase): Promise<void> {
  try {
    await client.query(`
      REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea),
             lo_put(oid, bigint, bytea) FROM PUBLIC`);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError && error.code === NOT_ALLOWED)) throw error;
  }
}

/** The name of the current database, quoted. */
export async function databaseName(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name');
  return pg.escapeIdentifier(rows[0]?.name ?? '');
}
