/**
 * One Postgres and one Redis for the whole test run, in a temporary folder and on free ports, and a
 * migrated template database that test files copy.
 */
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { makeCertificate, makeErasureKey, type TlsFiles } from '#platform';
import { migrate } from '#storage';
import { cadencesOf, catalogueOf, ownDeclarations } from '#telemetry';
import {
  findFreePort,
  ensureDatabase,
  startPostgres,
  markOf,
  runningPid,
  startRedis,
  Teardown,
} from '#devservers';
import { stopOrphans } from '../../apps/start/orphans.js';

export const TEMPLATE = 'muster_template';
const PASSWORD = 'only-for-tests';
const FOLDER = 'muster-test-';
/** Survives a crash of Postgres, but not of the machine. No test simulates the latter. */
const WITHOUT_POWER_CUTS = { fsync: 'off', full_page_writes: 'off' };

export interface Services {
  /** URL for the superuser, of the database `postgres`. */
  serverUrl: string;
  analystPassword: string;
  /** Password of the application role. */
  appPassword: string;
  redisUrl: string;
  tls: TlsFiles;
  erasureKeyFile: string;
  /** Whether dist is up to date. */
  isBuilt: boolean;
}

declare module 'vitest' {
  interface ProvidedContext {
    services: Services;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await cleanUpAfterKilledRuns();
  const { status } = spawnSync(process.execPath, ['tools/bootstrap.mjs', 'build'], {
    stdio: 'inherit',
  });
  const dir = await mkdtemp(join(tmpdir(), FOLDER));
  await chmod(dir, 0o711);
  await writeFile(join(dir, 'owner'), (await markOf(process.pid)) ?? '');
  const teardown = new Teardown();
  teardown.add(() => rm(dir, { recursive: true }));
  try {
    const services = await startServices(dir, teardown);
    project.provide('services', { ...services, isBuilt: status === 0 });
  } catch (error) {
    await teardown.run();
    throw error;
  }
  return () => teardown.run();
}

async function startServices(dir: string, teardown: Teardown) {
  const postgres = await startPostgres({
    ...placesOf(dir, 'postgres'),
    port: await findFreePort(),
    password: PASSWORD,
    extra: { max_connections: '300', ...WITHOUT_POWER_CUTS },
  });
  teardown.add(() => postgres.stop());
  const redis = await startRedis({
    ...placesOf(dir, 'redis'),
    port: await findFreePort(),
    password: PASSWORD,
  });
  teardown.add(() => redis.stop());
  await ensureDatabase(postgres.urlOf('postgres'), TEMPLATE);
  await migrate({
    ...{ databaseUrl: postgres.urlOf(TEMPLATE) },
    ...{ analystPassword: PASSWORD, appPassword: PASSWORD },
    catalogue: catalogueOf(ownDeclarations),
    cadences: cadencesOf(ownDeclarations),
  });
  return {
    serverUrl: postgres.urlOf('postgres'),
    analystPassword: PASSWORD,
    appPassword: PASSWORD,
    redisUrl: redis.url,
    tls: await makeCertificate(join(dir, 'tls')),
    erasureKeyFile: await newErasureKey(dir),
  };
}

async function newErasureKey(dir: string): Promise<string> {
  const file = join(dir, 'erasure-key.pem');
  await makeErasureKey(file);
  return file;
}

/** The paths of a service in a folder, as expected by `stopOrphans`. */
export function placesOf(dir: string, name: string) {
  return {
    dir: join(dir, name),
    logFile: join(dir, `${name}.log`),
    pidFile: join(dir, 'run', `${name}.pid`),
  };
}

/** Stops the services that killed test runs left running. */
async function cleanUpAfterKilledRuns() {
  const folders = (await readdir(tmpdir())).filter((name) => name.startsWith(FOLDER));
  for (const dir of folders.map((name) => join(tmpdir(), name))) {
    const owner = await readFile(join(dir, 'owner'), 'utf8').catch(() => undefined);
    // A folder without an owner is being created by another run.
    if (owner === undefined || (await runningPid(owner)) !== undefined) continue;
    await stopOrphans(join(dir, 'run'), () => undefined);
    await rm(dir, { recursive: true, force: true });
  }
}
