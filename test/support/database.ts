import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { APPLICATION_ROLE, Database } from '#storage';
import { urlAs } from '../../apps/start/endpoints.js';
import { TEMPLATE } from './services.js';

export interface TestDatabase {
  /** URL for the owner. */
  url: string;
  analystUrl: string;
  /** URL for the application role. */
  appUrl: string;
  drop(): Promise<void>;
}

/** Creates a migrated, empty database as a copy of the template, in about 50 ms. */
export async function createDatabase(): Promise<TestDatabase> {
  const { serverUrl, analystPassword, appPassword } = inject('services');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await run(serverUrl, async (client) => {
    await client.query(`create database ${name} template ${TEMPLATE} strategy file_copy`);
    await copyPrivileges(client, name);
  });
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    analystUrl: urlAs(url.href, 'analyst', analystPassword),
    appUrl: urlAs(url.href, APPLICATION_ROLE, appPassword),
    drop: async () => {
      await closeDatabases(name);
      await run(serverUrl, (client) =>
        client.query(`drop database if exists ${name} with (force)`),
      );
    },
  };
}

const databases = new Map<string, Database>();

/** Connections for the stores of a test file. They are closed when the database is dropped. */
export function connectionsOf(databaseUrl: string): Database {
  const known = databases.get(databaseUrl);
  if (known) return known;
  const options = { databaseUrl, name: 'muster-test', connections: 8, writeConnections: 8 };
  const database = new Database(options);
  databases.set(databaseUrl, database);
  return database;
}

async function closeDatabases(name: string): Promise<void> {
  for (const [url, database] of databases) {
    if (new URL(url).pathname !== `/${name}`) continue;
    databases.delete(url);
    await database.close();
  }
}

/** Queries a database. Connects on the first query. */
export class Asker {
  private readonly pool: pg.Pool;

  constructor(connectionString: string) {
    this.pool = new pg.Pool({ connectionString, max: 2 });
    this.pool.on('error', () => undefined);
  }

  /** @returns the rows */
  ask = async (text: string, values?: unknown[]): Promise<pg.QueryResultRow[]> => {
    const { rows } = await this.pool.query<pg.QueryResultRow>(text, values);
    return rows;
  };

  async end(): Promise<void> {
    await this.pool.end();
  }
}

/** Postgres copies neither the privileges on a database nor the settings of roles in it. */
async function copyPrivileges(client: pg.Client, name: string): Promise<void> {
  const { rows } = await client.query<{ statement: string }>(
    `select 'revoke all on database ${name} from public' as statement
     union all
     select format('grant %s on database ${name} to %s', privilege_type,
                   case grantee when 0 then 'public' else grantee::regrole::text end)
       from pg_database, aclexplode(datacl) where datname = $1
     union all
     select format('alter role %s in database ${name} set %s = %L', setrole::regrole,
                   split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1))
       from pg_db_role_setting, unnest(setconfig) as setting
      where setdatabase = (select oid from pg_database where datname = $1)`,
    [TEMPLATE],
  );
  await client.query(rows.map(({ statement }) => statement).join(';'));
}

async function run(
  connectionString: string,
  work: (client: pg.Client) => Promise<unknown>,
): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
