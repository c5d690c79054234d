import pg from 'pg';
import { Database } from '../database/database.js';
import { withLockRetry } from '../database/transaction.js';
import {
  allowLogin,
  createRole,
  databaseName,
  NOT_ALLOWED,
  type RoleLogin,
} from './reader-roles.js';

/** The role that workers and the admin API connect as. */
export const APPLICATION_ROLE = 'muster_app';

/** It can only read and add rows here. */
const LOG = 'audit_log';
/** Tables that it cannot change. */
const KEPT_FROM_IT = [LOG, '_prisma_migrations', 'applied_view'];

export interface ApplicationRoleOptions extends RoleLogin {
  log: (line: string) => void;
}

/**
 * The role of the application. It stores, erases and creates partitions, so it owns the partitioned tables. In the
 * audit log it can only read and add rows, even if a process with its password is compromised. The list of tables is
 * read from the database, so new ones need no change here. If our own user may not manage roles, this is logged, and
 * the application continues as that user.
 * @returns whether the role is set up
 */
export async function ensureApplicationRole(
  client: pg.ClientBase,
  { log, ...login }: ApplicationRoleOptions,
): Promise<boolean> {
  try {
    await createRole(client, APPLICATION_ROLE);
    await allowLogin(client, APPLICATION_ROLE, login);
    await grant(client);
    await handOver(client);
    return true;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError && error.code === NOT_ALLOWED)) throw error;
    log(
      `The role ${APPLICATION_ROLE} could not be set up, because the user of DATABASE_URL may not manage roles; where the application connects as that user, only a trigger keeps it from changing the audit log.`,
    );
    return false;
  }
}

/** Whether the user of this URL can connect and do what workers do. */
export async function isApplication(databaseUrl: string): Promise<boolean> {
  const database = new Database({ databaseUrl, name: 'muster-start', connections: 1 });
  try {
    const { rows } = await database.query<{ is_owner: boolean }>(
      `SELECT pg_has_role(relowner, 'USAGE') AS is_owner FROM pg_class WHERE oid = 'public.report'::regclass`,
    );
    return rows[0]?.is_owner === true;
  } catch {
    return false; // the role may be missing, or have another password
  } finally {
    await database.close();
  }
}

/** On all tables but KEPT_FROM_IT. Identity columns need no privilege on their sequence. */
async function grant(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ tables: string }>(
    `SELECT string_agg(oid::regclass::text, ', ') AS tables FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') AND relname <> ALL ($1)`,
    [KEPT_FROM_IT],
  );
  await client.query(`
    GRANT CONNECT, TEMPORARY ON DATABASE ${await databaseName(client)} TO ${APPLICATION_ROLE};
    GRANT USAGE, CREATE ON SCHEMA public TO ${APPLICATION_ROLE};
    GRANT USAGE ON SCHEMA fleet TO ${APPLICATION_ROLE};
    GRANT SELECT ON ALL TABLES IN SCHEMA fleet TO ${APPLICATION_ROLE};
    GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ${rows[0]?.tables ?? ''} TO ${APPLICATION_ROLE};
    REVOKE ALL ON ${KEPT_FROM_IT.join()} FROM ${APPLICATION_ROLE};
    GRANT SELECT, INSERT ON ${LOG} TO ${APPLICATION_ROLE};
    GRANT EXECUTE ON FUNCTION forget_statistics(uuid[]) TO ${APPLICATION_ROLE}`);
}

/**
 * Only the owner of a table can create and drop its partitions. Each table is handed over by itself, so writers wait
 * for one at a time. The former owner continues to use them: views have its rights.
 */
async function handOver(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ name: string; is_member: boolean }>(
    `SELECT oid::regclass::text AS name, pg_has_role($1, 'USAGE') AS is_member FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND (relkind = 'p' OR relispartition) AND relowner <> $1::regrole
      ORDER BY relispartition, 1`,
    [APPLICATION_ROLE],
  );
  if (rows.some(({ is_member }) => !is_member)) {
    await client.query(`GRANT ${APPLICATION_ROLE} TO CURRENT_USER`);
  }
  for (const { name } of rows) {
    const statement = `ALTER TABLE ${name} OWNER TO ${APPLICATION_ROLE}`;
    await withLockRetry(client, undefined, () => client.query(statement));
  }
}
