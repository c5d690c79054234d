import type pg from 'pg';

/** Settings of Postgres by name; times are in milliseconds. */
export type SessionSettings = Readonly<Record<string, string | number>>;

/**
 * What statements and the driver rely on, whatever a database or a role has as its default. A pooler follows
 * these per client, so they may be set once for a connection.
 * https://www.pgbouncer.org/features.html#sql-feature-map-for-pooling-modes
 */
const FORMATS: SessionSettings = {
  DateStyle: 'ISO, YMD',
  TimeZone: 'UTC',
  standard_conforming_strings: 'on',
};

/** The same for what a pooler does not follow. */
const DEFAULTS: SessionSettings = {
  search_path: 'public',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
};

/** A client whose machine is gone or frozen loses its locks within 25 seconds. */
export const GENERAL_SETTINGS: SessionSettings = {
  statement_timeout: 60_000,
  lock_timeout: 20_000,
  idle_in_transaction_session_timeout: 30_000,
  tcp_keepalives_idle: 10,
  tcp_keepalives_interval: 5,
  tcp_keepalives_count: 3,
};

/**
 * Every look-up of the write path is by key. The planner, which sees tables without statistics when
 * a month begins, must not find a scan cheaper and keep that plan.
 */
export const WRITE_SETTINGS: SessionSettings = {
  ...GENERAL_SETTINGS,
  idle_in_transaction_session_timeout: 15_000,
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  jit: 'off',
  plan_cache_mode: 'force_generic_plan',
};

/** The database cannot be used as it is; the message says what to do. */
export class UnsuitableDatabase extends Error {}

/** How a connection reaches the server. */
export interface Route {
  /** Of the server's process. Behind a pooler it is another one for every transaction. */
  pid: number;
  isPooled: boolean;
}

interface Facts {
  pid: number;
  database: string;
  encoding: string;
  schemas: string[];
  interval_style: string;
  bytea_output: string;
}

const FACTS = `
  SELECT pg_backend_pid() AS pid, current_database() AS database,
         current_setting('server_encoding') AS encoding, current_schemas(false)::text[] AS schemas,
         current_setting('IntervalStyle') AS interval_style, current_setting('bytea_output') AS bytea_output`;

/**
 * Makes a new connection what the code expects. Where a pooler assigns the server's sessions to
 * transactions, only what it follows is set; the rest is set with every transaction.
 * @throws UnsuitableDatabase
 */
export async function prepareSession(
  client: pg.ClientBase,
  settings: SessionSettings,
  name: string,
): Promise<Route> {
  const { rows } = await client.query<Facts>(FACTS);
  const [facts] = rows;
  if (!facts) throw new Error('The server did not describe the session.');
  requireUtf8(facts);
  // A pooler answers for the server, and gives its clients numbers of its own.
  const isPooled = (client as { processID?: number }).processID !== facts.pid;
  if (isPooled) requireDefaults(facts);
  const wanted = isPooled
    ? { ...FORMATS, application_name: name }
    : { ...FORMATS, ...DEFAULTS, ...settings };
  await client.query(statementsOf('SET', wanted));
  return { pid: facts.pid, isPooled };
}

/** What a transaction sets behind a pooler, besides what is its own. */
export function pooledSettings(settings: SessionSettings): SessionSettings {
  const own = Object.entries(settings).filter(([name]) => !name.startsWith('tcp_'));
  return { ...DEFAULTS, ...Object.fromEntries(own) };
}

/** The statements that give a connection back these settings, whatever was set since. */
export function restoringStatements(changed: SessionSettings, usual: SessionSettings): string {
  return Object.keys(changed)
    .map((name) => (name in usual ? `SET ${name} = '${usual[name]}';` : `RESET ${name};`))
    .join(' ');
}

/** As statements, each with its semicolon. */
export function statementsOf(command: 'SET' | 'SET LOCAL', settings: SessionSettings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${command} ${name} = '${value}';`)
    .join(' ');
}

function requireUtf8({ database, encoding }: Facts): void {
  if (encoding === 'UTF8') return;
  throw new UnsuitableDatabase(
    `The database ${database} has the encoding ${encoding}, which cannot hold every text that arrives. Create one with the encoding UTF8, for example: CREATE DATABASE ${database}_utf8 ENCODING 'UTF8' TEMPLATE template0.`,
  );
}

function requireDefaults({ database, schemas, interval_style, bytea_output }: Facts): void {
  const wrong = [
    schemas.includes('public') ? null : 'search_path = public',
    interval_style === DEFAULTS.IntervalStyle ? null : 'IntervalStyle = postgres',
    bytea_output === DEFAULTS.bytea_output ? null : 'bytea_output = hex',
  ].filter((setting) => setting !== null);
  if (wrong.length === 0) return;
  const statements = wrong.map((setting) => `ALTER DATABASE ${database} SET ${setting};`);
  throw new UnsuitableDatabase(
    `A connection pooler is in front of the database ${database}, so the settings of a session cannot be changed. Set them for the database: ${statements.join(' ')}`,
  );
}
