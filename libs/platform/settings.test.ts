import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Setting } from './setting-kinds.js';
import { SETTING_GROUPS, SETTINGS } from './setting-table.js';
import {
  commandSettings,
  ingestSettings,
  migrateSettings,
  startSettings,
  workerSettings,
} from './settings.js';

const NAMES = { pattern: /^[a-z][a-z0-9_-]{0,63}$/, allowed: 'a product name' };
const EXAMPLE_HEAD = `# Every setting with its default. npm start reads a file .env in this format from this folder, and needs
# none of the settings; environment variables take precedence. Processes started in any other way (a container,
# a service) read their environment only. An empty value counts as unset. For keys, passwords, tokens and URLs,
# NAME_FILE=path reads the value from a file instead of NAME=secret.
`;

const DIGEST = 'a1'.repeat(32);
const INGEST = {
  REDIS_URL: 'redis://:hidden@localhost:6379/0',
  TLS_CERT_FILE: 'cert.pem',
  TLS_KEY_FILE: 'key.pem',
  WRITE_KEYS: `dcos:${DIGEST}`,
  IDENTITY_KEY: 'only-tests-'.repeat(3),
};
const WORKER = {
  REDIS_URL: INGEST.REDIS_URL,
  DATABASE_URL: 'postgres://me:hidden@db/muster',
  SUPPRESSION_KEY: 'only-tests-'.repeat(3),
  ERASURE_KEY_FILE: 'erasure.pem',
};

test('.env.example describes every setting, with its default', async () => {
  const upperFirst = (text: string) => text.replace(/^./, (first) => first.toUpperCase());
  const groups = SETTING_GROUPS.map(([heading, group]) => {
    const settings = Object.entries(group).map(
      ([name, { about, default: text = '' }]) => `# ${upperFirst(about)}.\n#${name}=${text}\n`,
    );
    return [`# --- ${heading} ---\n`, ...settings].join('\n');
  });
  const text = [EXAMPLE_HEAD, ...groups].join('\n');
  await expect(text).toMatchFileSnapshot('../../.env.example');
});

test('what is not set has its default', () => {
  const settings = ingestSettings(NAMES, INGEST);
  expect(settings).toMatchObject({
    host: 'localhost',
    port: 8443,
    maxBodyBytes: 2_097_152,
    redisMemoryShare: 0.8,
    redisDurability: 'verified',
    corsOrigins: '*',
    queuePrefix: 'muster',
    logLevel: 'info',
  });
});

test.each(['http://muster.example.com:8444', 'http://localhost.example.com', 'http://10.0.0.1'])(
  'the command line does not send its token unencrypted to %s',
  (url) => {
    expect(() => commandSettings({ ADMIN_URL: url })).toThrow(/^ADMIN_URL would send the token/);
  },
);

test.each([
  'https://muster.example.com',
  'http://localhost:8444',
  'http://127.0.0.1',
  'http://[::1]',
])('the command line may connect to %s', (url) => {
  expect(commandSettings({ ADMIN_URL: url }).adminUrl).toBe(url);
});

test('an empty variable is an unset one', () => {
  expect(ingestSettings(NAMES, { ...INGEST, INGEST_PORT: '' }).port).toBe(8443);
  expect(() => ingestSettings(NAMES, { ...INGEST, REDIS_URL: '' })).toThrow('REDIS_URL is not set');
});

test('all invalid settings are reported at once, by name, with the allowed values', () => {
  const env = { INGEST_PORT: '84430', REDIS_MEMORY_SHARE: '80%', LOG_LEVEL: 'loud' };
  expect(problems(() => ingestSettings(NAMES, env))).toEqual([
    'REDIS_URL is not set; it must be a URL such as redis://default:password@host:6379/0.',
    'LOG_LEVEL is "loud"; it must be one of fatal, error, warn, info, debug, trace, silent.',
    'INGEST_PORT is "84430"; it must be a whole number from 0 to 65535.',
    'IDENTITY_KEY is not set; it must be a text of 32 characters or more, such as openssl rand -hex 32 prints.',
    'REDIS_MEMORY_SHARE is "80%"; it must be a number above 0 and at most 1, such as 0.8.',
    'TLS_CERT_FILE is not set; it must be the path of a file.',
    'TLS_KEY_FILE is not set; it must be the path of a file.',
  ]);
});

describe('a secret in a file', () => {
  let folder: string;
  let file: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'muster-settings-'));
    file = join(folder, 'secret');
    writeFileSync(file, `${WORKER.SUPPRESSION_KEY}\n`);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const secrets = Object.entries<Setting>(SETTINGS).filter(([, { kind }]) => kind.isSecret);

  test('is read for every setting that holds one', () => {
    expect(secrets.map(([name]) => name).sort()).toEqual([
      ...['ADMIN_TOKEN', 'ADMIN_URL', 'ANALYST_PASSWORD', 'APP_PASSWORD', 'DATABASE_URL'],
      ...['IDENTITY_KEY', 'PRIVACY_ANALYST_PASSWORD', 'REDIS_URL', 'SUPPRESSION_KEY', 'WRITE_KEYS'],
    ]);
    const { SUPPRESSION_KEY, ...others } = WORKER;
    const settings = workerSettings({ ...others, SUPPRESSION_KEY_FILE: file });
    expect(settings.suppressionKey).toBe(SUPPRESSION_KEY);
  });

  test('reaches the processes that npm start starts', () => {
    const { workerEnvironment } = startSettings(NAMES, { SUPPRESSION_KEY_FILE: file });
    expect(workerEnvironment).toEqual({ SUPPRESSION_KEY: WORKER.SUPPRESSION_KEY });
  });

  test('that cannot be read is named, and so is one that is given twice', () => {
    const absent = join(folder, 'absent');
    const { SUPPRESSION_KEY: _, ...others } = WORKER;
    expect(problems(() => workerSettings({ ...others, SUPPRESSION_KEY_FILE: absent }))).toEqual([
      `SUPPRESSION_KEY_FILE: cannot read ${absent} (ENOENT).`,
    ]);
    expect(problems(() => workerSettings({ ...WORKER, SUPPRESSION_KEY_FILE: file }))).toEqual([
      'Both SUPPRESSION_KEY and SUPPRESSION_KEY_FILE are set; set one.',
    ]);
  });
});

describe('behind a proxy', () => {
  const plain = { ...INGEST, INGEST_PROTOCOL: 'http', TLS_CERT_FILE: '', TLS_KEY_FILE: '' };

  test('plain HTTP needs no certificate, but the proxies to trust', () => {
    const { tls, trustedProxies } = ingestSettings(NAMES, {
      ...plain,
      TRUSTED_PROXIES: '10.0.0.0/8, ::1',
    });
    expect(tls).toBeUndefined();
    const asked = ['10.1.2.3', '::ffff:10.1.2.3', '::1', '11.1.2.3', '::2', undefined];
    expect(asked.map((address) => trustedProxies.has(address))).toEqual([
      ...[true, true, true],
      ...[false, false, false],
    ]);
    expect(problems(() => ingestSettings(NAMES, plain))).toEqual([
      'Plain HTTP needs TRUSTED_PROXIES: the proxies that terminate TLS.',
    ]);
  });

  test.each(['localhost', '10.0.0.0/33', '::1/129', '1.2.3', '10.0.0.0/8/8', '10.0.0.0/'])(
    '%s is no address and no network',
    (entry) => {
      expect(problems(() => ingestSettings(NAMES, { ...INGEST, TRUSTED_PROXIES: entry }))).toEqual([
        `TRUSTED_PROXIES has the entry "${entry}"; it must be a comma list of addresses and networks such as 10.0.0.0/8.`,
      ]);
    },
  );

  test('the PROXY protocol needs proxies to trust, and draining an end', () => {
    const env = { ...INGEST, PROXY_PROTOCOL: 'on', DRAIN_MS: '5000', STOP_TIMEOUT_MS: '5000' };
    expect(problems(() => ingestSettings(NAMES, env))).toEqual([
      'PROXY_PROTOCOL needs TRUSTED_PROXIES: the proxies that send it.',
      'DRAIN_MS must be below STOP_TIMEOUT_MS.',
    ]);
  });
});

test.each([
  ['REDIS_URL', 'hidden'],
  ['REDIS_URL', 'http://:hidden@localhost'],
  ['WRITE_KEYS', 'dcos:hidden'],
  ['WRITE_KEYS', `dcos:${DIGEST},hidden`],
  ['IDENTITY_KEY', 'hidden'],
])('a wrong %s is refused without repeating it', (name, value) => {
  const [problem, ...others] = problems(() => ingestSettings(NAMES, { ...INGEST, [name]: value }));
  expect(problem).toContain(name);
  expect(problem).not.toContain('hidden');
  expect(others).toEqual([]);
});

test('a product may have several write keys', () => {
  const other = 'B2'.repeat(32);
  const { writeKeys } = ingestSettings(NAMES, {
    ...INGEST,
    WRITE_KEYS: `dcos:${DIGEST}, dcos:${other},octopus_2:${'c3'.repeat(32)}`,
  });
  expect([...(writeKeys ?? [])]).toEqual([
    [DIGEST, 'dcos'],
    [other.toLowerCase(), 'dcos'],
    ['c3'.repeat(32), 'octopus_2'],
  ]);
});

test.each(['Dcos', '2cos', 'a'.repeat(65)])('a write key belongs to no product %s', (product) => {
  const env = { ...INGEST, WRITE_KEYS: `${product}:${DIGEST}` };
  const problem = 'A product in WRITE_KEYS is not a product name.';
  expect(problems(() => ingestSettings(NAMES, env))).toEqual([problem]);
  expect(problems(() => startSettings(NAMES, env))).toEqual([problem]);
});

test('a write key names one product only', () => {
  const env = { ...INGEST, WRITE_KEYS: `dcos:${DIGEST},octopus:${DIGEST}` };
  expect(() => ingestSettings(NAMES, env)).toThrow(
    'gives the key of another product again in entry number 2',
  );
});

test('origins are a star or a list', () => {
  const read = (text: string) =>
    ingestSettings(NAMES, { ...INGEST, CORS_ORIGINS: text }).corsOrigins;
  expect(read('https://a.example, http://b.example:8080')).toEqual([
    'https://a.example',
    'http://b.example:8080',
  ]);
  expect(() => read('https://a.example/')).toThrow('has the entry "https://a.example/"');
});

test('a worker has seven connections more than jobs under way, unless WORKER_DATABASE_CONNECTIONS is set', () => {
  expect(workerSettings({ ...WORKER, WORKER_CONCURRENCY: '7' }).databaseConnections).toBe(14);
  const limited = workerSettings({ ...WORKER, WORKER_DATABASE_CONNECTIONS: '4' });
  expect(limited.databaseConnections).toBe(4);
  expect(limited.healthPort).toBeUndefined();
});

test('migrating needs the database only', () => {
  const { DATABASE_URL } = WORKER;
  expect(migrateSettings({ DATABASE_URL })).toEqual({
    databaseUrl: DATABASE_URL,
    logLevel: 'info',
    privacyMinInstallations: 10,
  });
  expect(() => migrateSettings({})).toThrow('DATABASE_URL is not set');
});

describe('npm start', () => {
  test('needs nothing', () => {
    expect(startSettings(NAMES, {})).toMatchObject({
      dataDir: '.data',
      port: 8443,
      workerProcesses: 1,
    });
  });

  test('checks what it hands to others', () => {
    expect(() => startSettings(NAMES, { MAX_EVENT_BYTES: 'many' })).toThrow(
      'MAX_EVENT_BYTES is "many"',
    );
  });

  test.each([
    [{ ADMIN_DATABASE_CONNECTIONS: 'abc' }, 'ADMIN_DATABASE_CONNECTIONS is "abc"'],
    [{ ADMIN_METRICS_PORT: '70000' }, 'ADMIN_METRICS_PORT is "70000"'],
    [{ ADMIN_PROTOCOL: 'http' }, 'Plain HTTP needs TRUSTED_PROXIES'],
    [{ PROXY_PROTOCOL: 'on' }, 'PROXY_PROTOCOL needs TRUSTED_PROXIES'],
    [{ DRAIN_MS: '9000', STOP_TIMEOUT_MS: '9000' }, 'DRAIN_MS must be below STOP_TIMEOUT_MS.'],
  ])('checks the settings of each process as that process does: %j', (env, problem) => {
    expect(() => startSettings(NAMES, env)).toThrow(problem);
  });

  test('reports all problems of all processes at once, each once', () => {
    const env = { ADMIN_PORT: 'x', WORKER_CONCURRENCY: '0', LOG_LEVEL: 'loud' };
    expect(problems(() => startSettings(NAMES, env)).map((text) => text.split(' ', 1)[0])).toEqual([
      ...['ADMIN_PORT', 'LOG_LEVEL', 'WORKER_CONCURRENCY'],
    ]);
  });

  test('hands to each process what that process reads, and nothing else that was set', () => {
    const settings = startSettings(NAMES, {
      ...WORKER,
      PATH: '/bin',
      MAX_JSON_DEPTH: '9',
      WORKER_CONCURRENCY: '2',
      SOME_TOKEN: 'x',
    });
    const { REDIS_URL } = WORKER;
    expect(settings.ingestEnvironment).toEqual({ PATH: '/bin', REDIS_URL, MAX_JSON_DEPTH: '9' });
    expect(settings.workerEnvironment).toEqual({
      ...WORKER,
      PATH: '/bin',
      WORKER_CONCURRENCY: '2',
    });
  });

  test('wants both halves of a certificate', () => {
    expect(() => startSettings(NAMES, { TLS_KEY_FILE: 'key.pem' })).toThrow('Set both or neither');
  });
});

function problems(read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (error) {
    return (error as Error).message.split('\n');
  }
}
