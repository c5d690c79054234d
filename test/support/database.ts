import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { APPLICATION_ROLE, Database, migrate } from '#storage';
import { cadencesOf, catalogueOf, ownDeclarations } from '#telemetry';
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
  await run(serverUrl, `create database ${name} template ${TEMPLATE} strategy file_copy`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  // Privileges on the database itself are not copied.
  await migrate({
    databaseUrl: url.href,
    catalogue: catalogueOf(ownDeclarations),
    cadences: cadencesOf(ownDeclarations),
  });
  return {
    url: url.href,
    analystUrl: urlAs(url.href, 'analyst', analystPassword),
    appUrl: urlAs(url.href, APPLICATION_ROLE, appPassword),
    drop: async () => {
      await closeDatabases(name);
      await run(serverUrl, `drop database if exists ${name} with (force)`);
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

async function run(connectionString: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
