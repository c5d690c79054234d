import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { isCreatedByAnother } from '../database/postgres-errors.js';
import { PRIVACY_SCHEMA } from './privacy-views.js';

/** SQLSTATE of a statement without the necessary privilege. */
export const NOT_ALLOWED = '42501';

/** The schema that each role can read. */
const READERS = [
  { role: 'analyst', schema: 'fleet' },
  { role: 'privacy_analyst', schema: PRIVACY_SCHEMA },
] as const;

/** The login of a role. */
export interface RoleLogin {
  /** Lets the role log in. If absent, nothing changes. */
  password?: string | undefined;
  /** A role that can already log in keeps its password, because another Muster on the same server may use it. */
  keepsPassword?: boolean | undefined;
}

export type ReaderLogins = Record<(typeof READERS)[number]['role'], RoleLogin>;

/**
 * Sets up the roles `analyst` and `privacy_analyst`. Each can only read its schema. They cannot log in until
 * they get a password. Roles belong to the whole server, so they may already exist. If our own user may not manage
 * roles, this is logged and left to an administrator.
 */
export async function ensureReaders(
  client: pg.ClientBase,
  logins: ReaderLogins,
  log: (line: string) => void,
): Promise<void> {
  await closePublic(client);
  for (const { role, schema } of READERS) {
    try {
      await createRole(client, role);
      await limitConnections(client, role);
      await allowLogin(client, role, logins[role]);
      await limit(client, role, schema);
    } catch (error) {
      if (!(error instanceof pg.DatabaseError && error.code === NOT_ALLOWED)) throw error;
      log(
        `The role ${role} could not be set up, because the user of DATABASE_URL may not manage roles. Grant it CREATEROLE, or create the role ${role} and give it its password as an administrator.`,
      );
    }
    const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
    if (rowCount) await grant(client, role, schema);
  }
  await closeFunctions(client);
}

/** Per role, on the whole server: a tool that keeps opening connections must not use up all of them. */
const CONNECTION_LIMIT = 20;

async function limitConnections(client: pg.ClientBase, role: string) {
  const { rowCount } = await client.query(
    'SELECT FROM pg_roles WHERE rolname = $1 AND rolconnlimit = $2',
    [role, CONNECTION_LIMIT],
  );
  if (!rowCount) await alterRole(client, role, `CONNECTION LIMIT ${CONNECTION_LIMIT}`);
}

/** Sets the password of a role. */
export async function allowLogin(
  client: pg.ClientBase,
  role: string,
  { password, keepsPassword = false }: RoleLogin,
) {
  if (password === undefined) return;
  if (keepsPassword && (await canLogIn(client, role))) return;
  await alterRole(client, role, `LOGIN PASSWORD ${pg.escapeLiteral(password)}`);
}

async function canLogIn(client: pg.ClientBase, role: string): Promise<boolean> {
  const { rowCount } = await client.query(
    'SELECT FROM pg_roles WHERE rolname = $1 AND rolcanlogin',
    [role],
  );
  return rowCount === 1;
}

/** A change of a role takes only a moment. */
const ALTER_ATTEMPTS = 20;
const ALTER_PAUSE_MS = 25;
/** "tuple concurrently updated" has no separate code, and its text depends on the server's language. */
const CHANGED_BY_ANOTHER = 'XX000';

/**
 * Changes a role. Roles belong to the whole server, and Postgres rejects concurrent changes of one, as when several
 * databases are migrated. Then the change is repeated.
 */
export async function alterRole(client: pg.ClientBase, role: string, change: string) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.query(`ALTER ROLE ${role} ${change}`);
      return;
    } catch (error) {
      const isOthers = error instanceof pg.DatabaseError && error.code === CHANGED_BY_ANOTHER;
      if (!isOthers || attempt === ALTER_ATTEMPTS) throw error;
    }
    await sleep(ALTER_PAUSE_MS);
  }
}

/** Creates a role that cannot log in, unless it exists. */
export async function createRole(client: pg.ClientBase, name: string): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name]);
  if (rowCount) return;
  try {
    await client.query(`CREATE ROLE ${pg.escapeIdentifier(name)} NOLOGIN`);
  } catch (error) {
    if (!isCreatedByAnother(error)) throw error;
  }
}

/**
 * Defaults that protect the database from careless queries. JIT is off because compiling takes longer than most queries.
 * work_mem is large because sorting a day of reports on disk takes twice as long as in memory.
 */
const LIMITS: Readonly<Record<string, string>> = {
  default_transaction_read_only: 'on',
  statement_timeout: '5min',
  // Queries do not wait long for a migration or an idle session.
  lock_timeout: '5s',
  idle_in_transaction_session_timeout: '1min',
  idle_session_timeout: '30min',
  jit: 'off',
  work_mem: '64MB',
};

/** The limit of what a query writes to disk. Only a superuser can set it, so readers cannot change it. */
const SUPERUSER_LIMITS: Readonly<Record<string, string>> = { temp_file_limit: '20GB' };

/** Sets the limits of a reader. A role can change its own defaults permanently, so such changes are reverted. */
async function limit(client: pg.ClientBase, role: string, schema: string): Promise<void> {
  const database = await databaseName(client);
  const wanted = { search_path: schema, ...LIMITS };
  const { rows } = await client.query<{ name: string; is_of_database: boolean }>(
    `SELECT split_part(setting, '=', 1) AS name, setdatabase > 0 AS is_of_database
       FROM pg_db_role_setting CROSS JOIN LATERAL unnest(setconfig) AS setting
      WHERE setrole = $1::regrole
        AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))`,
    [role],
  );
  for (const { name, is_of_database: isOfDatabase } of rows) {
    if (name in SUPERUSER_LIMITS || (isOfDatabase && name in wanted)) continue;
    const place = isOfDatabase ? `IN DATABASE ${database} ` : '';
    await alterRole(client, role, `${place}RESET ${pg.escapeIdentifier(name)}`);
  }
  for (const [name, value] of Object.entries(wanted)) {
    await alterRole(client, role, `IN DATABASE ${database} SET ${name} = '${value}'`);
  }
  for (const [name, value] of Object.entries(SUPERUSER_LIMITS)) {
    await whereAllowed(() => alterRole(client, role, `SET ${name} = '${value}'`));
  }
}

async function closePublic(client: pg.ClientBase): Promise<void> {
  await client.query(`
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
    REVOKE TEMPORARY ON DATABASE ${await databaseName(client)} FROM PUBLIC`);
}

async function grant(client: pg.ClientBase, role: string, schema: string): Promise<void> {
  await client.query(`
    GRANT CONNECT ON DATABASE ${await databaseName(client)} TO ${role};
    GRANT USAGE ON SCHEMA ${schema} TO ${role};
    GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${role}`);
}

/**
 * Revokes from PUBLIC the functions that create large objects, which belong to no schema, or take advisory locks. Only a
 * superuser can do this, so it is skipped for other users. No lock of Muster depends on it. The owner of the database
 * keeps them, because Prisma's tools take an advisory lock.
 */
async function closeFunctions(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ names: string; owner: string }>(
    `SELECT string_agg(oid::regprocedure::text, ', ') AS names,
            (SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()) AS owner
       FROM pg_proc
      WHERE pronamespace = 'pg_catalog'::regnamespace
        AND (proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_put')
             OR proname ~ '^pg_(try_)?advisory_(xact_)?lock')`,
  );
  const { names = '', owner = '' } = rows[0] ?? {};
  await whereAllowed(() =>
    client.query(`
      REVOKE EXECUTE ON FUNCTION ${names} FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION ${names} TO ${owner}`),
  );
}

async function whereAllowed(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof pg.DatabaseError && error.code === NOT_ALLOWED)) throw error;
  }
}

/** The name of the current database, quoted. */
export async function databaseName(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name');
  return pg.escapeIdentifier(rows[0]?.name ?? '');
}
