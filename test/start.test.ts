import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { Teardown } from '#devservers';
import { StartupError } from '#platform';
import { startDependencies } from '../apps/start/dependencies.js';
import type { Endpoints } from '../apps/start/endpoints.js';
import type { Secrets } from '../apps/start/secrets.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { HttpsClient } from './support/https.js';
import { Launcher, marksIn, stillRunning } from './support/launcher.js';
import { startRedis } from './support/redis.js';
import { atScale } from './support/scale.js';

const run = promisify(execFile);
const READINGS = 'select unit, total, unhealthy from fleet.health_readings';
const READING = { unit: 'dcos-mesos-master-service', total: 3, unhealthy: 1 };

const folders: string[] = [];
const launchers: Launcher[] = [];

afterAll(async () => {
  await Promise.all(launchers.map((launcher) => launcher.signal('SIGTERM')));
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
});

describe('npm start without settings', () => {
  let dataDir: string;
  let muster: Launcher;
  let endpoints: Endpoints;

  beforeAll(async () => {
    dataDir = await newFolder();
    muster = launch(dataDir);
    endpoints = await muster.ready();
  });

  test('writes all addresses to a file that only its owner can read', async () => {
    expect(endpoints).toEqual({
      ingestUrl: expect.stringMatching(/^https:\/\/localhost:\d+$/),
      adminUrl: expect.stringMatching(/^https:\/\/localhost:\d+$/),
      databaseUrl: expect.stringMatching(/^postgres:\/\/postgres:\w+@127\.0\.0\.1:\d+\/muster$/),
      analystUrl: expect.stringMatching(/^postgres:\/\/analyst:\w+@127\.0\.0\.1:\d+\/muster$/),
      redisUrl: expect.stringMatching(/^redis:\/\/default:\w+@127\.0\.0\.1:\d+\/0$/),
      writeKeys: {
        dcos: expect.stringMatching(/^wk_dcos_\w{40}$/),
        octopus: expect.stringMatching(/^wk_octopus_\w{40}$/),
        resoto: expect.stringMatching(/^wk_resoto_\w{40}$/),
      },
      adminToken: expect.stringMatching(/^mat_\w{40}$/),
      caFile: join(dataDir, 'tls/cert.pem'),
      metricsUrls: Object.fromEntries(
        ['ingest', 'admin', 'worker-1'].map((name) => [
          name,
          expect.stringMatching(/^http:\/\/localhost:\d+\/metrics$/),
        ]),
      ),
    });
    for (const url of Object.values(endpoints.metricsUrls)) {
      expect(await (await fetch(url)).text()).toContain('# TYPE muster_');
    }
    for (const file of [
      ...['endpoints.json', 'secrets.json', 'tls/key.pem', 'redis/redis.conf'],
      'erasure-key.pem',
    ]) {
      expect((await stat(join(dataDir, file))).mode & 0o777, file).toBe(0o600);
    }
  });

  test('does not let other users list or read its folder', async () => {
    const found = await run('find', [dataDir, '-perm', '/007', '-not', '-type', 'l']);
    expect(found.stdout).toBe('');
    const open = await run('find', [
      dataDir,
      '-mindepth',
      '1',
      '-perm',
      '/077',
      '-not',
      '-type',
      'l',
    ]);
    expect(open.stdout).toBe('');
    if (process.getuid?.() !== 0) return;
    // What another user's process can access, even if it knows the paths.
    const { stdout: all } = await run('find', [dataDir]);
    const tries = 'while read -r path; do [ -e "$path/." ] || [ -r "$path" ] && echo "$path"; done';
    const other = ['--reuid=65534', '--regid=65534', '--clear-groups', 'bash', '-c', tries];
    const asking = run('setpriv', other);
    asking.child.stdin?.end(all.split('\n').slice(1).join('\n'));
    const { stdout: seen } = await asking.catch((error: unknown) => error as { stdout: string });
    expect(seen).toBe('');
    const listing = run('setpriv', [...other.slice(0, 3), 'ls', dataDir]);
    await expect(listing).rejects.toThrow('Permission denied');
  });

  test('prints a token that its admin API accepts', async () => {
    const ca = await readFile(endpoints.caFile, 'utf8');
    const admin = new HttpsClient(endpoints.adminUrl, ca);
    const headers = { authorization: `Bearer ${endpoints.adminToken}` };
    const { status, json } = await admin.get('/v1/erasures', { headers });
    expect({ status, json }).toEqual({ status: 200, json: { erasures: [], next: null } });
  });

  test('connects its processes as the role that cannot change the audit log', async () => {
    const users = await ask(
      endpoints.databaseUrl,
      `select distinct usename, application_name from pg_stat_activity
        where application_name in ('muster-worker', 'muster-admin') order by 2`,
    );
    expect(users).toEqual(
      ['muster-admin', 'muster-worker'].map((application_name) => ({
        ...{ usename: 'muster_app', application_name },
      })),
    );
  });

  test('runs Redis with an fsync for each write and without eviction', async () => {
    const redis = new Redis(endpoints.redisUrl);
    const settings = await redis.config('GET', 'appendonly', 'appendfsync', 'maxmemory-policy');
    redis.disconnect();
    expect(settings).toEqual(expect.arrayContaining(['appendonly', 'yes', 'always', 'noeviction']));
  });

  test('prints commands that send a report and show it', async () => {
    await run('bash', ['-c', muster.line('curl')]);
    await vi.waitFor(async () => {
      expect(await ask(endpoints.analystUrl, READINGS)).toEqual([READING]);
    }, 5000);
    const shown = await run('bash', ['-c', /See it:\n\n(.*)/.exec(muster.output)![1]!]);
    expect(shown.stdout).toMatch(/dcos-mesos-master-service *\| *3 *\| *1/);
  });

  test('lets users without psql run queries', async () => {
    const file = join(dataDir, 'endpoints.json');
    const { stdout } = await run('node', ['dist/apps/start/sql.js', file, READINGS]);
    expect(stdout.split('\n').map((line) => line.trim())).toEqual([
      'unit                      | total | unhealthy',
      '--------------------------+-------+----------',
      'dcos-mesos-master-service | 3     | 1',
      '(rows: 1)',
      '',
    ]);
  });

  test('refuses a second start in the same folder', async () => {
    const second = launch(dataDir);
    expect(await second.ended).toBe(1);
    expect(second.output).toMatch(
      /^Muster is already running in .*; stop that one, or set .*\.\n$/,
    );
    expect(await stillRunning(await marksIn(dataDir))).toHaveLength(5);
  });

  test.each(['redis', 'postgres', 'ingest', 'worker-1', 'admin'].slice(0, atScale(4, 5)))(
    'restarts %s after a crash',
    async (name) => {
      const readings = async () => (await ask(endpoints.analystUrl, READINGS)).length;
      const before = await readings();
      const marks = await marksIn(dataDir);
      process.kill(Number.parseInt(marks.get(name)!, 10), 'SIGKILL');
      await vi.waitFor(async () => {
        expect((await marksIn(dataDir)).get(name)).not.toBe(marks.get(name));
      }, 10_000);
      await vi.waitFor(() => run('bash', ['-c', `${muster.line('curl')} --fail`]), 10_000);
      await vi.waitFor(async () => expect(await readings()).toBeGreaterThan(before), 10_000);
    },
  );

  test('cleans up after it was killed, and has the same addresses and data after the next start', async () => {
    const orphans = await marksIn(dataDir);
    await muster.signal('SIGKILL');
    expect(await stillRunning(orphans)).toEqual(expect.arrayContaining(['postgres', 'redis']));
    muster = launch(dataDir);
    const { ingestUrl: _, adminUrl: __, metricsUrls: ___, ...before } = endpoints;
    const { ingestUrl, adminUrl, metricsUrls, ...again } = await muster.ready();
    expect(await stillRunning(orphans)).toEqual([]);
    expect(again).toEqual(before);
    expect(await ask(again.analystUrl, READINGS)).toContainEqual(READING);
  });

  test('stops all its processes, and has the same data after the next start', async () => {
    const marks = await marksIn(dataDir);
    expect([...marks.keys()].sort()).toEqual(['admin', 'ingest', 'postgres', 'redis', 'worker-1']);
    expect(await muster.signal('SIGTERM')).toBe(0);
    expect(await stillRunning(marks)).toEqual([]);
    expect(await readdir(join(dataDir, 'run'))).toEqual([]);
    expect(existsSync(join(dataDir, 'endpoints.json'))).toBe(false);
    expect(existsSync(join(dataDir, 'muster.pid'))).toBe(false);

    muster = launch(dataDir);
    expect(await ask((await muster.ready()).analystUrl, READINGS)).toContainEqual(READING);
  });
});

describe('npm start fails with one sentence, and leaves nothing running, for', () => {
  test('a busy port', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    expect(await refusal({ INGEST_PORT: String(port) })).toBe(
      `Port ${port} of localhost is in use by another program; set INGEST_PORT to a free one, or to 0 for any.\n`,
    );
    server.close();
  });

  test('an unreachable database or Redis', async () => {
    expect(await unusable({ databaseUrl: 'postgres://me:hidden@127.0.0.1:1/x' })).toBe(
      'Postgres at 127.0.0.1:1 cannot be reached (ECONNREFUSED); check DATABASE_URL.',
    );
    expect(await unusable({ redisUrl: 'redis://:hidden@127.0.0.1:1/0' })).toBe(
      'Redis at 127.0.0.1:1 cannot be reached (ECONNREFUSED); check REDIS_URL.',
    );
  });

  test('a wrong password', async () => {
    const url = new URL(inject('services').serverUrl);
    url.password = 'hidden';
    expect(await unusable({ databaseUrl: url.href })).toBe(
      `Postgres at ${url.host} cannot be reached (password authentication failed for user "postgres"); check DATABASE_URL.`,
    );
  });

  test('a missing redis-server that cannot be installed', async () => {
    const expected =
      /^redis-server was not found on the PATH; install Redis, or set REDIS_URL to .*\.\n$/;
    const bootstrap = ['tools/bootstrap.mjs', 'start'];
    expect(await refusal({ PATH: '/nowhere', REDIS_URL: '' }, bootstrap)).toMatch(expected);
  });

  test('a missing Chromium that cannot be installed', async () => {
    const path = await newFolder();
    const { stdout: redis } = await run('which', ['redis-server']);
    await symlink(redis.trim(), join(path, 'redis-server'));
    const expected = /^None of chromium, .* was found on the PATH; install Chromium, .*\.\n$/;
    const bootstrap = ['tools/bootstrap.mjs', 'prepare'];
    expect(await refusal({ PATH: path }, bootstrap)).toMatch(expected);
  });

  test('an ingest that does not start, with the error of ingest', async () => {
    const redis = await startRedis({ extra: ['appendfsync everysec'] });
    const database = await createDatabase();
    const output = await refusal({ ...given(database), REDIS_URL: redis.url });
    await redis.stop();
    await database.drop();
    expect(output).toMatch(
      /Starting ingest, workers and the admin API \.\.\.\n[^{\n]*appendfsync[^\n]*\n$/,
    );
  });
});

test('npm start uses the given database and Redis, and warns if the database user may not manage roles', async () => {
  const database = await createDatabase();
  const { redisUrl, serverUrl } = inject('services');
  const name = new URL(database.url).pathname.slice(1);
  await ask(database.url, `CREATE ROLE ${name} LOGIN PASSWORD 'plain'`);
  await ask(database.url, 'DROP SCHEMA fleet, fleet_privacy CASCADE');
  await ask(database.url, `DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION ${name}`);
  await ask(database.url, `ALTER DATABASE ${name} OWNER TO ${name}`);
  const url = Object.assign(new URL(database.url), { username: name, password: 'plain' }).href;
  const dataDir = await newFolder();
  const muster = launch(dataDir, {
    ...{ ...given(database), DATABASE_URL: url },
    ...{ REDIS_URL: redisUrl, QUEUE_PREFIX: name },
  });
  const { analystUrl } = database;
  expect(await muster.ready()).toMatchObject({ databaseUrl: url, redisUrl, analystUrl });
  expect(muster.output.split('\n').filter((line) => line.includes('muster_app'))).toEqual([
    expect.stringContaining('could not be set up, because the user of DATABASE_URL may not'),
  ]);
  await run('bash', ['-c', muster.line('curl')]);
  await vi.waitFor(async () => expect(await ask(url, READINGS)).toEqual([READING]), 5000);
  expect([...(await marksIn(dataDir)).keys()].sort()).toEqual(['admin', 'ingest', 'worker-1']);
  expect(await muster.signal('SIGINT')).toBe(0);
  await database.drop();
  await ask(serverUrl, `DROP ROLE ${name}`);
});

test('npm start that is stopped during startup stops all its processes, even for root in a private folder', async () => {
  const isRoot = process.getuid?.() === 0;
  const dataDir = isRoot ? join(await newFolder(0o700), 'data') : await newFolder();
  const muster = launch(dataDir);
  // By now the database is running and migrated.
  await muster.saying('Starting ingest');
  const marks = await marksIn(dataDir);
  expect(await muster.signal('SIGTERM')).toBe(0);
  expect([...marks.keys()]).toEqual(expect.arrayContaining(['postgres', 'redis']));
  expect(await stillRunning(marks)).toEqual([]);
  expect(await readdir(join(dataDir, 'run'))).toEqual([]);
});

function launch(...args: ConstructorParameters<typeof Launcher>): Launcher {
  const launcher = new Launcher(...args);
  launchers.push(launcher);
  return launcher;
}

/** Settings for an existing database whose roles already have passwords. */
function given({ url }: TestDatabase): Record<string, string> {
  const { analystPassword, appPassword } = inject('services');
  return { DATABASE_URL: url, ANALYST_PASSWORD: analystPassword, APP_PASSWORD: appPassword };
}

/** The message of a start with a database or Redis that it cannot use. */
async function unusable(urls: { databaseUrl?: string; redisUrl?: string }): Promise<string> {
  const said: string[] = [];
  const teardown = new Teardown();
  const options = { dataDir: await newFolder(), secrets: {} as Secrets, ...urls };
  const error = await startDependencies(
    { ...options, say: (line) => void said.push(line) },
    teardown,
  ).catch((error: unknown) => error);
  await teardown.run();
  expect(error).toBeInstanceOf(StartupError);
  // Nothing has been started.
  expect(said).toEqual([]);
  return (error as StartupError).message;
}

/** The output of a start that is refused. */
async function refusal(env: Record<string, string>, script?: string[]): Promise<string> {
  const dataDir = await newFolder();
  const muster = launch(dataDir, env, script);
  expect(await muster.ended).toBe(1);
  expect((await marksIn(dataDir)).size).toBe(0);
  return muster.output;
}

async function newFolder(mode = 0o711): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-start-'));
  await chmod(folder, mode);
  folders.push(folder);
  return folder;
}

async function ask(connectionString: string, query: string): Promise<pg.QueryResultRow[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query<pg.QueryResultRow>(query)).rows;
  } finally {
    await client.end();
  }
}
