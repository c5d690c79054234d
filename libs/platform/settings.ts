import { readFileSync } from 'node:fs';
import type { Kind, Setting } from './setting-kinds.js';
import {
  ADMIN,
  ADMIN_OPTIONAL,
  INGEST,
  INGEST_OPTIONAL,
  START,
  START_OPTIONAL,
  WORKER,
  WORKER_OPTIONAL,
} from './setting-names.js';
import { SETTINGS, type SettingName, type SettingValue } from './setting-table.js';
import { StartupError } from './startup-error.js';
import { transportProblems, withTransport } from './transport-settings.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The settings of a process: the property name of each value, and its variable. */
type Names = Readonly<Record<string, SettingName>>;
type Required<N extends Names> = { -readonly [K in keyof N]: SettingValue<N[K]> };
type Optional<N extends Names> = { -readonly [K in keyof N]?: SettingValue<N[K]> };

/** Settings that `npm start` creates for its processes if they are not set. To check the others, any valid value will do. */
const CREATED: Partial<Record<SettingName, string>> = {
  DATABASE_URL: 'postgres://localhost/muster',
  REDIS_URL: 'redis://localhost',
  TLS_CERT_FILE: 'cert.pem',
  TLS_KEY_FILE: 'key.pem',
  IDENTITY_KEY: '0'.repeat(64),
  SUPPRESSION_KEY: '0'.repeat(64),
  ERASURE_KEY_FILE: 'erasure-key.pem',
};

/** Not settings of Muster, but used by Node, TLS and the locale. */
const SYSTEM =
  'NODE_ENV PATH HOME TMPDIR TZ LANG LC_ALL NODE_OPTIONS NODE_EXTRA_CA_CERTS SSL_CERT_FILE SSL_CERT_DIR';

export type IngestSettings = ReturnType<typeof ingestSettings>;
export type AdminSettings = ReturnType<typeof adminSettings>;
export type WorkerSettings = ReturnType<typeof workerSettings>;
export type StartSettings = ReturnType<typeof startSettings>;

/** What a product may be called: `PRODUCT_NAME` of #telemetry, which this lib does not import. */
export interface NameRule {
  readonly pattern: RegExp;
  readonly allowed: string;
}

/** @throws StartupError with a message for every missing or invalid setting */
export function ingestSettings(productName: NameRule, env: Environment = process.env) {
  return withTransport(readSettings(env, INGEST, INGEST_OPTIONAL, ingestProblems(productName)));
}

/** What transport settings need of each other, and products of write keys that no declaration could have. */
function ingestProblems({ pattern, allowed }: NameRule) {
  return (settings: Parameters<typeof transportProblems>[0] & IngestKeys): string[] => {
    const products = [...(settings.writeKeys?.values() ?? [])];
    return products.every((product) => pattern.test(product))
      ? transportProblems(settings)
      : [...transportProblems(settings), `A product in WRITE_KEYS is not ${allowed}.`];
  };
}

interface IngestKeys {
  writeKeys?: ReadonlyMap<string, string>;
}

/** @throws StartupError with a message for every missing or invalid setting */
export function workerSettings(env: Environment = process.env) {
  const settings = readSettings(env, WORKER, WORKER_OPTIONAL);
  // One for each transaction that stores jobs, one that listens, and six for everything else.
  const databaseConnections = settings.databaseConnections ?? settings.concurrency + 7;
  return { ...settings, databaseConnections };
}

/** @throws StartupError with a message for every missing or invalid setting */
export function adminSettings(env: Environment = process.env) {
  return withTransport(readSettings(env, ADMIN, ADMIN_OPTIONAL, transportProblems));
}

/** The settings of the command that creates an administrator's token. @throws StartupError */
export function tokenSettings(env: Environment = process.env) {
  return readSettings(env, { databaseUrl: 'DATABASE_URL', suppressionKey: 'SUPPRESSION_KEY' }, {});
}

/** The settings of the command line. @throws StartupError */
export function commandSettings(env: Environment = process.env) {
  return readSettings(
    env,
    { dataDir: 'DATA_DIR' },
    {
      adminUrl: 'ADMIN_URL',
      adminToken: 'ADMIN_TOKEN',
      adminCaFile: 'ADMIN_CA_FILE',
      databaseUrl: 'DATABASE_URL',
    },
  );
}

/** @throws StartupError with a message for every missing or invalid setting */
export function migrateSettings(env: Environment = process.env) {
  return readSettings(
    env,
    {
      databaseUrl: 'DATABASE_URL',
      logLevel: 'LOG_LEVEL',
      privacyMinInstallations: 'PRIVACY_MIN_INSTALLATIONS',
    },
    {
      analystPassword: 'ANALYST_PASSWORD',
      privacyAnalystPassword: 'PRIVACY_ANALYST_PASSWORD',
      appPassword: 'APP_PASSWORD',
      productsDir: 'PRODUCTS_DIR',
    },
  );
}

/** @throws StartupError with a message for every invalid setting */
export function docsSettings(env: Environment = process.env) {
  return readSettings(env, {}, { productsDir: 'PRODUCTS_DIR' });
}

/**
 * What `npm start` needs, and the environments of the processes that it starts. Their settings are checked as they
 * check them, so that a mistake is reported before two databases are started.
 *
 * @throws StartupError with a message for every missing or invalid setting
 */
export function startSettings(productName: NameRule, env: Environment = process.env) {
  const start = parseSettings(env, START, START_OPTIONAL, certificateProblems);
  const complete = withCreated(env);
  refuse([
    ...start.problems,
    ...parseSettings(complete, INGEST, INGEST_OPTIONAL, ingestProblems(productName)).problems,
    ...parseSettings(complete, ADMIN, ADMIN_OPTIONAL, transportProblems).problems,
    ...parseSettings(complete, WORKER, WORKER_OPTIONAL).problems,
  ]);
  return {
    ...start.values,
    ingestEnvironment: pick(env, [...Object.values(INGEST), ...Object.values(INGEST_OPTIONAL)]),
    adminEnvironment: pick(env, [...Object.values(ADMIN), ...Object.values(ADMIN_OPTIONAL)]),
    workerEnvironment: pick(env, [...Object.values(WORKER), ...Object.values(WORKER_OPTIONAL)]),
  };
}

function certificateProblems({ certFile, keyFile }: { certFile?: string; keyFile?: string }) {
  return (certFile === undefined) === (keyFile === undefined)
    ? []
    : ['Only one of TLS_CERT_FILE and TLS_KEY_FILE is set. Set both or neither.'];
}

function withCreated(env: Environment): Environment {
  const created = Object.entries(CREATED).filter(([name]) => !env[name] && !env[`${name}_FILE`]);
  return { ...env, ...Object.fromEntries(created) };
}

/** How long the process may take to stop, in milliseconds. @throws StartupError */
export function stopTimeoutMs(env: Environment = process.env): number {
  return readSettings(env, { stopTimeoutMs: 'STOP_TIMEOUT_MS' }, {}).stopTimeoutMs;
}

function readSettings<const R extends Names, const O extends Names>(
  env: Environment,
  required: R,
  optional: O,
  problemsOf?: (values: Partial<Required<R> & Optional<O>>) => string[],
): Required<R> & Optional<O> {
  const { values, problems } = parseSettings(env, required, optional, problemsOf);
  refuse(problems);
  return values;
}

/** @throws StartupError with every problem, once, if there are any */
function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new StartupError([...new Set(problems)].join('\n'));
}

/** @returns the values, which are complete only if there are no problems */
function parseSettings<const R extends Names, const O extends Names>(
  env: Environment,
  required: R,
  optional: O,
  problemsOf?: (values: Partial<Required<R> & Optional<O>>) => string[],
): { values: Required<R> & Optional<O>; problems: readonly string[] } {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  const read = (key: string, name: SettingName, isRequired: boolean) => {
    const { kind, default: standard }: Setting = SETTINGS[name];
    const { text = standard, problem } = textOf(env, name, kind);
    if (problem !== undefined) problems.push(problem);
    else if (text !== undefined) {
      const parsed = kind.parse(text);
      if ('wrong' in parsed) problems.push(`${name} ${parsed.wrong}; it must be ${kind.allowed}.`);
      else values[key] = parsed.value;
    } else if (isRequired) problems.push(`${name} is not set; it must be ${kind.allowed}.`);
  };
  for (const [key, name] of Object.entries(optional)) read(key, name, false);
  for (const [key, name] of Object.entries(required)) read(key, name, true);
  const found = values as Required<R> & Optional<O>;
  problems.push(...(problemsOf?.(found) ?? []));
  return { values: found, problems };
}

/**
 * The text of a setting: of its variable, or for a secret of the file that NAME_FILE names, without the
 * line end. An empty variable counts as unset: that is how .env and compose files leave one out.
 */
function textOf(
  env: Environment,
  name: SettingName,
  { isSecret }: Kind<unknown>,
): { text?: string | undefined; problem?: string } {
  const text = env[name] || undefined;
  const file = isSecret ? env[`${name}_FILE`] : undefined;
  if (!file) return { text };
  if (text !== undefined) return { problem: `Both ${name} and ${name}_FILE are set; set one.` };
  try {
    return { text: readFileSync(file, 'utf8').replace(/\r?\n$/, '') || undefined };
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    return { problem: `${name}_FILE: cannot read ${file} (${code}).` };
  }
}

/** The part of an environment for a child process; secrets in files become their text. */
function pick(env: Environment, names: readonly SettingName[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of SYSTEM.split(' ')) {
    const text = env[name];
    if (text) picked[name] = text;
  }
  for (const name of names) {
    const { text } = textOf(env, name, SETTINGS[name].kind);
    if (text) picked[name] = text;
  }
  return picked;
}
