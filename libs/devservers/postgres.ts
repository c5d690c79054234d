import { execFile } from 'node:child_process';
import { chown, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { StartupError } from '#platform';
import { readSince, rotateLog } from './log-file.js';
import { findPostgresPrograms, type PostgresPrograms } from './postgres-binaries.js';
import { ensurePostgresUser, runAs, type PostgresUser } from './postgres-user.js';
import { startService, type StopSignal, type Service } from './service.js';

/** Recovery after a crash reads up to max_wal_size of WAL. */
const START_TIMEOUT_MS = 120_000;
/** Fast shutdown, then immediate shutdown, then kill. */
export const POSTGRES_STOP_SIGNALS: readonly StopSignal[] = [
  ['SIGINT', 15_000],
  ['SIGQUIT', 5000],
  ['SIGKILL', 2000],
];

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
};

export interface PostgresOptions {
  /** The data folder, created at the first start. Its parent must exist. */
  dir: string;
  logFile: string;
  pidFile: string;
  port: number;
  /** Of the superuser, `postgres`. */
  password: string;
  /** Additional settings of postgresql.conf. */
  extra?: Readonly<Record<string, string>>;
}

/**
 * Starts the embedded Postgres.
 *
 * @returns once it accepts connections
 * @throws StartupError if it cannot run here or does not start
 */
export async function startPostgres(
  options: PostgresOptions,
): Promise<Service & { urlOf(database: string): string }> {
  const { dir, logFile, pidFile, port } = options;
  const programs = await findPostgresPrograms();
  const user = await ensurePostgresUser([dirname(dir), programs.dir], dirname(dir));
  if (!(await exists(dir))) await initialise(options, programs, user);
  const logStart = await rotateLog(logFile);
  const service = await startService({
    ...runAs(user, programs.postgres, ['-D', dir, ...settingArgs(options)]),
    pidFile,
    logFile,
    env: {},
    stopSignals: POSTGRES_STOP_SIGNALS,
  });
  const urlOf = (database: string) =>
    `postgres://postgres:${options.password}@127.0.0.1:${port}/${database}`;
  try {
    await waitUntilReady(urlOf('postgres'), service, () => readSince(logFile, logStart));
  } catch (error) {
    await service.stop();
    throw error;
  }
  return { ...service, urlOf };
}

/** Creates a database if it is missing. */
export async function ensureDatabase(serverUrl: string, name: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl });
  client.on('error', () => undefined); // the running statement fails with the same error
  await client.connect();
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (found.rowCount === 0)
      await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}

function settingArgs({ port, extra }: PostgresOptions): string[] {
  const settings = { ...SETTINGS, port: String(port), ...extra };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Creates the data folder under another name and renames it at the end, because a partial one would never start. */
async function initialise(
  { dir, password }: PostgresOptions,
  { initdb }: PostgresPrograms,
  user: PostgresUser,
) {
  const draft = `${dir}.new`;
  const passwordFile = `${dir}.password`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user.ids) {
    for (const path of [draft, passwordFile]) await chown(path, user.ids.uid, user.ids.gid);
  }
  const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  const { command, args, ...ids } = runAs(user, initdb, [
    ...['-D', draft, '--no-instructions', '--locale=C'],
    ...locale,
    ...access,
  ]);
  try {
    await promisify(execFile)(command, args, { ...ids, cwd: '/', env: {} });
  } catch (cause) {
    const output = lastLine((cause as { stderr?: string }).stderr ?? '');
    throw new StartupError(`Postgres could not create its data folder ${dir}: ${output}`, {
      cause,
    });
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(draft, dir);
}

async function waitUntilReady(url: string, service: Service, log: () => Promise<string>) {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const code = await connectError(url);
    if (code === undefined) return;
    if (code === WRONG_PASSWORD) {
      throw new StartupError(
        'The embedded Postgres rejects the password in secrets.json; restore the secrets.json of its first start.',
      );
    }
    if (service.hasEnded() || Date.now() > deadline) {
      const lines = (await log()).trim().split('\n');
      const line = lines.findLast((it) => it.includes('FATAL:')) ?? lines.at(-1) ?? '';
      throw new StartupError(`Postgres did not start: ${line}`);
    }
    await sleep(20);
  }
}

const WRONG_PASSWORD = '28P01';

async function connectError(url: string): Promise<string | undefined> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => undefined); // the running statement fails with the same error
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? 'unknown';
  } finally {
    await client.end();
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

const lastLine = (text: string) => text.trim().split('\n').at(-1) ?? '';
