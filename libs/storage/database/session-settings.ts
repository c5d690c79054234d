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

/** The same for what a transaction behind a pooler could no longer change: there the server must have these defaults. */
const TRANSACTION_DEFAULTS: SessionSettings = {
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
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
export class UnsuitableDatabase extends Error {
  override readonly name = 'UnsuitableDatabase';
}

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
  settings: Readonly<Record<string, string>>;
}

/** What is asked of the server. The search path is compared as the schemas that exist. */
const { search_path: _, ...COMPARED } = { ...DEFAULTS, ...TRANSACTION_DEFAULTS };
const ASKED = [...Object.keys(COMPARED), 'synchronous_commit'];

const FACTS = `
  SELECT pg_backend_pid() AS pid, current_database() AS database,
         current_setting('server_encoding') AS encoding, current_schemas(false)::text[] AS schemas,
         (SELECT json_object_agg(name, current_setting(name)) FROM unnest($1::text[]) AS name) AS settings`;

/**
 * Makes a new connection what the code expects. Where a pooler assigns the server's sessions to
 * transactions, only what it follows is set; the rest is set with every transaction.
 * @returns the route, and the settings with those that this server needs in addition
 * @throws UnsuitableDatabase
 */
export async function prepareSession(
  client: pg.ClientBase,
  settings: SessionSettings,
  name: string,
): Promise<{ route: Route; settings: SessionSettings }> {
  const { rows } = await client.query<Facts>(FACTS, [ASKED]);
  const [facts] = rows;
  if (!facts) throw new Error('The server did not describe the session.');
  requireUtf8(facts);
  // A pooler reports its own process ids to clients.
  const isPooled = (client as { processID?: number }).processID !== facts.pid;
  if (isPooled) requireDefaults(facts);
  const durable = { ...settings, ...durabilityFor(facts) };
  const wanted = isPooled
    ? { ...FORMATS, application_name: name }
    : { ...FORMATS, ...DEFAULTS, ...TRANSACTION_DEFAULTS, ...durable };
  await client.query(statementsOf('SET', wanted));
  return { route: { pid: facts.pid, isPooled }, settings: durable };
}

/**
 * A batch leaves the queue when its transaction is committed, so the commit must survive a crash of the server. Stricter
 * values, which wait for replicas, stay as they are.
 */
function durabilityFor({ settings }: Facts): SessionSettings {
  return settings.synchronous_commit === 'off' ? { synchronous_commit: 'on' } : {};
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

function requireDefaults({ database, schemas, settings }: Facts): void {
  const compared = Object.entries(COMPARED).filter(([name, value]) => settings[name] !== value);
  const wrong = [
    ...(schemas.includes('public') ? [] : ['search_path = public']),
    ...compared.map(([name, value]) => `${name} = '${value}'`),
  ];
  if (wrong.length === 0) return;
  const statements = wrong.map((setting) => `ALTER DATABASE ${database} SET ${setting};`);
  throw new UnsuitableDatabase(
    `A connection pooler is in front of the database ${database}, so the settings of a session cannot be changed. Set them for the database: ${statements.join(' ')}`,
  );
}
