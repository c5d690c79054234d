import { execFile } from 'node:child_process';
import { chown, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { StartupError } from '#platform';
import { addedSince, rotate } from './log-file.js';
import { postgresPrograms, type PostgresPrograms } from './postgres-binaries.js';
import { postgresUser, runAs, type PostgresUser } from './postgres-user.js';
import { startService, type Ending, type Service } from './service.js';

/** Recovery after a sudden end reads up to max_wal_size of log. */
const START_LIMIT_MS = 120_000;
/** Fast shutdown, then immediate shutdown, then none at all. */
export const POSTGRES_ENDING: readonly Ending[] = [
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
  /** The data folder, made at the first start. The folder around it must exist. */
  dir: string;
  logFile: string;
  pidFile: string;
  port: number;
  /** Of the superuser, `postgres`. */
  password: string;
  /** Settings of postgresql.conf besides ours. */
  extra?: Readonly<Record<string, string>>;
}

/**
 * Starts the embedded Postgres on a data folder of its own.
 *
 * @returns once it answers
 * @throws StartupError when it can't run here or does not start
 */
export async function startPostgres(
  options: PostgresOptions,
): Promise<Service & { urlOf(database: string): string }> {
  const { dir, logFile, pidFile, port } = options;
  const programs = await postgresPrograms();
  const user = await postgresUser([dirname(dir), programs.dir], dirname(dir));
  if (!(await isThere(dir))) await initialise(options, programs, user);
  const logStart = await rotate(logFile);
  const service = await startService({
    ...runAs(user, programs.postgres, ['-D', dir, ...settingArgs(options)]),
    pidFile,
    logFile,
    env: {},
    ending: POSTGRES_ENDING,
  });
  const urlOf = (database: string) =>
    `postgres://postgres:${options.password}@127.0.0.1:${port}/${database}`;
  try {
    await untilItAnswers(urlOf('postgres'), service, () => addedSince(logFile, logStart));
  } catch (error) {
    await service.stop();
    throw error;
  }
  return { ...service, urlOf };
}

/** Makes a database unless it is there. */
export async function ensureDatabase(serverUrl: string, name: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl });
  client.on('error', () => undefined); // the statement under way fails with it
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

/** Made beside its place and moved there at the end, because a half-made one would never start. */
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
    const said = lastLine((cause as { stderr?: string }).stderr ?? '');
    throw new StartupError(`Postgres could not make its data folder ${dir}: ${said}`, { cause });
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(draft, dir);
}

async function untilItAnswers(url: string, service: Service, log: () => Promise<string>) {
  const giveUpAt = Date.now() + START_LIMIT_MS;
  for (;;) {
    const code = await connectError(url);
    if (code === undefined) return;
    if (code === WRONG_PASSWORD) {
      throw new StartupError('The embedded Postgres was made with another password than is kept.');
    }
    if (service.hasEnded() || Date.now() > giveUpAt) {
      const lines = (await log()).trim().split('\n');
      const words = lines.findLast((line) => line.includes('FATAL:')) ?? lines.at(-1) ?? '';
      throw new StartupError(`Postgres did not start; its last words: ${words}`);
    }
    await sleep(20);
  }
}

const WRONG_PASSWORD = '28P01';

async function connectError(url: string): Promise<string | undefined> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => undefined); // the statement under way fails with it
  client.on('error', () => undefined);
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? 'unknown';
  } finally {
    await client.end();
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

const lastLine = (text: string) => text.trim().split('\n').at(-1) ?? '';
