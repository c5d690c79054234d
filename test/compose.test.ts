import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { parse } from 'yaml';
import {
  adminSettings,
  ingestSettings,
  makeCertificate,
  migrateSettings,
  workerSettings,
} from '#platform';
import { SETTINGS } from '../libs/platform/setting-table.js';
import { Asker } from './support/database.js';

interface Service {
  image: string;
  command: string[];
  environment: Record<string, string | number>;
  restart: string;
  read_only: boolean;
  cap_drop: string[];
  security_opt: string[];
  pids_limit: number;
  logging: { options: Record<string, string> };
  stop_grace_period: string;
  ports?: string[];
  networks: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  deploy: { resources: { limits: { memory: string } } };
}

const text = readFileSync('docker-compose.yml', 'utf8');
const compose = parse(text, { merge: true }) as {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean } | null>;
  volumes: Record<string, unknown>;
};
const { admin, ingest, worker, migrate, postgres, redis } = compose.services as Record<
  'admin' | 'ingest' | 'worker' | 'migrate' | 'postgres' | 'redis',
  Service
>;
const services = Object.entries(compose.services);
const lasting = services.filter(([name]) => name !== 'migrate');

/** The connections of `migrate`. */
const OF_MIGRATION = 3;

test('every image from a registry is pinned by digest', () => {
  const images = services.map(([, { image }]) => image).filter((it) => !it.startsWith('muster:'));
  const [, base = ''] = /^ARG NODE_IMAGE=(.*)$/m.exec(readFileSync('Dockerfile', 'utf8')) ?? [];
  expect(images).toHaveLength(2);
  for (const image of [...images, base]) {
    expect(image).toMatch(/^[a-z]+:[\w.-]+@sha256:[0-9a-f]{64}$/);
  }
});

/** The environment of a container, on a server where `given` is set. */
function environmentOf(service: Service, given: Record<string, string>): Record<string, string> {
  const fill = (value: string | number): string =>
    String(value).replace(
      /\$\{(\w+)(?::([-?])([^}]*))?\}/g,
      (_all, name: string, how, fallback) => {
        const known = given[name] ?? (how === '-' ? String(fallback) : undefined);
        if (known === undefined) throw new Error(`${name} must be set`);
        return known;
      },
    );
  return Object.fromEntries(
    Object.entries(service.environment).map(([name, value]) => [name, fill(value)]),
  );
}

const given = {
  POSTGRES_PASSWORD: 'postgres-password',
  REDIS_PASSWORD: 'redis-password',
  ANALYST_PASSWORD: 'analyst-password',
  APP_PASSWORD: 'app-password',
  IDENTITY_KEY: 'fedcba9876543210'.repeat(4),
  SUPPRESSION_KEY: '0123456789abcdef'.repeat(4),
  WRITE_KEYS: `octopus:${'0123456789abcdef'.repeat(4)}`,
};

test('Redis is configured to fsync every write and to evict nothing', () => {
  const command = redis.command.join(' ');
  expect(command).toContain('--appendonly yes');
  expect(command).toContain('--appendfsync always');
  expect(command).toContain('--maxmemory-policy noeviction');
  expect(command).toMatch(/--maxmemory \d+[mg]b/);
  expect(command).toContain('--dir /data');
  expect(redis.volumes).toContain('redis:/data');
  expect(postgres.volumes).toContain('postgres:/var/lib/postgresql');
  expect(Object.keys(compose.volumes).sort()).toEqual(['erasure-ledger', 'postgres', 'redis']);
});

test('the erasure ledger is on a separate volume that workers and the admin API share', () => {
  for (const service of [worker, admin]) {
    const { ERASURE_LEDGER_FILE: file = '' } = environmentOf(service, {
      ...{ ...given, TLS_DIR: '/tls', ERASURE_KEY_DIR: '/keys' },
    });
    const mounts = service.volumes?.map((volume) => volume.split(':')) ?? [];
    const mount = mounts.find(([, place = '-']) => file.startsWith(`${place}/`));
    expect(mount?.[0]).toBe('erasure-ledger');
  }
});

test('no secret has a default value or is written in the file', () => {
  const used = [...text.matchAll(/\$\{(\w+)((?!\w)[^{}]*)\}/g)].map(([, name = '', rest = '']) => ({
    name,
    isRequired: rest.startsWith(':?'),
  }));
  // These may be empty: WRITE_KEYS holds digests, and a role without a password cannot log in.
  const optional = ['WRITE_KEYS', 'PRIVACY_ANALYST_PASSWORD'];
  const secrets = used.filter(
    ({ name }) => /PASSWORD|KEY|TLS/.test(name) && !optional.includes(name),
  );
  expect(new Set(secrets.map(({ name }) => name))).toEqual(
    new Set([
      'POSTGRES_PASSWORD',
      'REDIS_PASSWORD',
      'ANALYST_PASSWORD',
      'APP_PASSWORD',
      'IDENTITY_KEY',
      'SUPPRESSION_KEY',
      'ERASURE_KEY_DIR',
      'TLS_DIR',
    ]),
  );
  expect(secrets.filter(({ isRequired }) => !isRequired)).toEqual([]);

  for (const [name, service] of services) {
    for (const [variable, value] of Object.entries(service.environment)) {
      const holdsSecret = /PASSWORD|AUTH|IDENTITY_KEY|SUPPRESSION_KEY/.test(variable);
      if (holdsSecret && !optional.includes(variable))
        expect(value, `${name} ${variable}`).toMatch(/^\$\{\w+:\?[^}]+\}$/);
      if (variable.endsWith('_URL')) expect(value, name).toMatch(/:\$\{\w+:\?[^}]+\}@/);
    }
  }
});

test('the processes accept all settings they get', () => {
  for (const service of [admin, ingest, worker, migrate]) {
    expect(Object.keys(SETTINGS)).toEqual(expect.arrayContaining(Object.keys(service.environment)));
  }
  expect(ingestSettings(environmentOf(ingest, given))).toMatchObject({
    ...{ port: 8443, metricsHost: '127.0.0.1', metricsPort: 8081 },
  });
  expect(adminSettings(environmentOf(admin, given))).toMatchObject({
    ...{ port: 8444, metricsHost: '127.0.0.1', metricsPort: 8081 },
  });
  expect(workerSettings(environmentOf(worker, given))).toMatchObject({ healthPort: 8080 });
  expect(migrateSettings(environmentOf(migrate, given))).toMatchObject({
    databaseUrl: 'postgres://muster:postgres-password@postgres:5432/muster',
    analystPassword: 'analyst-password',
    appPassword: 'app-password',
  });
  for (const { DATABASE_URL } of [environmentOf(admin, given), environmentOf(worker, given)]) {
    expect(DATABASE_URL).toBe('postgres://muster_app:app-password@postgres:5432/muster');
  }
});

test('Postgres accepts the connections of three workers, the admin API, a migration and all analysts', async () => {
  const server = new Asker(inject('services').serverUrl);
  const [limits] = await server.ask(
    `SELECT sum(rolconnlimit)::int AS readers, current_setting('superuser_reserved_connections')::int AS reserved
       FROM pg_roles WHERE rolconnlimit > 0`,
  );
  await server.end();
  const [, most] = /max_connections=(\d+)/.exec(postgres.command.join(' ')) ?? [];
  const { databaseConnections: ofWorker } = workerSettings(environmentOf(worker, given));
  const { databaseConnections: ofAdmin } = adminSettings(environmentOf(admin, given));
  const ours = 3 * ofWorker + ofAdmin + OF_MIGRATION;
  const others = Number(limits?.readers) + Number(limits?.reserved);
  expect(ours + others).toBeLessThanOrEqual(Number(most));
});

test('each process runs a built program', () => {
  for (const { command } of [admin, ingest, worker, migrate]) {
    const [runtime, program = ''] = command;
    expect(runtime).toBe('node');
    expect(existsSync(program), program).toBe(true);
  }
});

test('only ingest is reachable from outside, and the admin API only from the host', () => {
  const published = services.flatMap(([, { ports = [] }]) => ports);
  expect(published).toEqual(['8443:8443', '127.0.0.1:8444:8444']);
  expect(compose.networks.back).toEqual({ internal: true });
  for (const [name, { networks }] of services) {
    expect(networks, name).toEqual(
      ['admin', 'ingest'].includes(name) ? ['front', 'back'] : ['back'],
    );
  }
});

test('every container is sandboxed and limited, and long-running ones restart', () => {
  for (const [name, service] of services) {
    expect(service, name).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      pids_limit: expect.any(Number),
      restart: name === 'migrate' ? 'no' : 'unless-stopped',
      deploy: { resources: { limits: { memory: expect.stringMatching(/^\d+[mg]$/) } } },
      logging: { options: { 'max-size': expect.any(String), 'max-file': expect.any(String) } },
    });
    expect(service.image, name).toMatch(/^[\w/]+:\d+\.\d+/);
  }
  expect(lasting.filter(([, service]) => !service.healthcheck)).toEqual([]);
});

test('every service starts after its dependencies', () => {
  expect(ingest.depends_on).toEqual({ redis: { condition: 'service_healthy' } });
  expect(migrate.depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
  expect(worker.depends_on).toEqual({
    migrate: { condition: 'service_completed_successfully' },
    postgres: { condition: 'service_healthy' },
    redis: { condition: 'service_healthy' },
  });
});

test('the stop grace period is longer than a process needs to stop', () => {
  for (const service of [ingest, worker]) {
    const { stopTimeoutMs } = workerSettings(environmentOf(worker, given));
    expect(Number.parseInt(service.stop_grace_period) * 1000).toBeGreaterThan(stopTimeoutMs);
  }
});

/** Runs the health check of a container against another port. @returns its exit code */
async function exitCodeOfCheck(service: Service, port: number): Promise<unknown> {
  const [kind, program = '', ...args] = service.healthcheck?.test ?? [];
  expect(kind).toBe('CMD');
  const check = spawn(
    program,
    args.map((arg) => arg.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`)),
  );
  const [code] = await once(check, 'exit');
  return code;
}

test.each([
  ['admin', admin],
  ['ingest', ingest],
  ['worker', worker],
] as const)('the health check of %s reflects /health/ready', async (name, service) => {
  const dir = await mkdtemp(join(tmpdir(), 'compose-'));
  const { certFile, keyFile } = await makeCertificate(dir);
  const tls = { cert: await readFile(certFile), key: await readFile(keyFile) };
  const server = name === 'worker' ? createHttpServer() : createHttpsServer(tls);
  let status = 200;
  server.on('request', (request, answer) => {
    answer.writeHead(request.url === '/health/ready' ? status : 404).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    expect(await exitCodeOfCheck(service, port)).toBe(0);
    status = 503;
    expect(await exitCodeOfCheck(service, port)).toBe(1);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await exitCodeOfCheck(service, port)).toBe(1);
  } finally {
    server.close();
    await rm(dir, { recursive: true });
  }
});
