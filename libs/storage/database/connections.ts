import type pg from 'pg';
import { sessionOf, type Session } from './session.js';
import { prepareSession, type SessionSettings } from './session-settings.js';

const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_DELAY_MS = 10_000;
const LOOK_UP_TIMEOUT_MS = 3000;

/** @param name as the server lists its connections */
export function connectionOf({
  databaseUrl,
  name,
}: {
  databaseUrl: string;
  name: string;
}): pg.ClientConfig {
  return {
    connectionString: databaseUrl,
    application_name: name,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  };
}

/** Finds out how a new connection reaches the server, and applies its settings. */
export async function prepare(client: pg.ClientBase, settings: SessionSettings): Promise<void> {
  const session = sessionOf(client);
  if (!session) return;
  const prepared = await prepareSession(client, settings, session.name);
  session.route = prepared.route;
  session.settings = prepared.settings;
}

/** Runs a statement whose answer is awaited no longer than `timeoutMs`. */
export async function within<R extends pg.QueryResultRow>(
  client: pg.ClientBase,
  timeoutMs: number,
  statement: string,
  values?: unknown[],
): Promise<pg.QueryResult<R>> {
  const session = sessionOf(client);
  const limitMs = session?.limitMs ?? Infinity;
  if (session) session.limitMs = timeoutMs;
  try {
    return await client.query<R>(statement, values);
  } finally {
    if (session) session.limitMs = limitMs;
  }
}

const AT_WORK = `
  SELECT pid, application_name AS name FROM pg_stat_activity
   WHERE (pid = ANY ($1::integer[]) OR application_name = ANY ($2::text[]))
     AND state IN ('active', 'disabled')`;

/** @returns those of the sessions whose statements the server is working on */
export async function findAtWork(
  client: pg.ClientBase,
  sessions: readonly Session[],
): Promise<ReadonlySet<Session>> {
  const { rows } = await within<{ pid: number; name: string }>(
    client,
    LOOK_UP_TIMEOUT_MS,
    AT_WORK,
    [sessions.map(({ route }) => route?.pid), sessions.map(({ name }) => name)],
  );
  return new Set(
    sessions.filter(({ route, name }) =>
      rows.some((row) => (route?.isPooled ? row.name === name : row.pid === route?.pid)),
    ),
  );
}
