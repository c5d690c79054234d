import { ADDRESSES } from './address-settings.js';
import { RETENTION, ROLES, WORKER_AND_ADMIN } from './database-settings.js';
import { INGEST_CONNECTIONS, INGEST_LIMITS } from './ingest-limits.js';
import {
  wholeNumber,
  oneOf,
  textLike,
  secret,
  longSecret,
  secretUrl,
  tokenUrl,
  writeKeys,
  type Kind,
  type Setting,
} from './setting-kinds.js';

const file = textLike(/./s, 'the path of a file');

const SHARED = {
  DATABASE_URL: {
    kind: secretUrl(['postgres:', 'postgresql:'], 'postgres://user:password@host:5432/muster'),
    about: 'Postgres; npm start runs its own when this is not set',
  },
  REDIS_URL: {
    kind: secretUrl(['redis:', 'rediss:'], 'redis://default:password@host:6379/0'),
    about: 'Redis (rediss:// for TLS); npm start runs its own when this is not set',
  },
  QUEUE_PREFIX: {
    kind: textLike(/^[\w:{}-]{1,64}$/, '1 to 64 letters, digits or _ - : { }'),
    default: 'muster',
    about: 'the prefix of all keys in Redis',
  },
  LOG_LEVEL: {
    kind: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    default: 'info',
    about: 'the lowest level that is logged',
  },
  STOP_TIMEOUT_MS: {
    kind: wholeNumber(1),
    default: '25000',
    about: 'how long a process may take to finish its work after SIGTERM',
  },
  PRODUCTS_DIR: {
    kind: file,
    about: "a folder of JSON files; each declares a product in addition to Muster's own",
  },
} as const satisfies Record<string, Setting>;

const SECRETS = {
  WRITE_KEYS: {
    kind: writeKeys,
    about:
      'write keys in addition to those that administrators create: a comma-separated list of product:sha256 of the key',
  },
  REQUIRE_POLICY: {
    kind: oneOf('off', 'on'),
    default: 'off',
    about:
      'on: with WRITE_KEYS, unknown keys get 503 instead of 401 until a worker has published the keys of administrators to Redis',
  },
  IDENTITY_KEY: {
    kind: longSecret,
    about:
      'the secret that hashes ids that must not be stored; with another one, installations and users get other ids',
  },
  SUPPRESSION_KEY: {
    kind: longSecret,
    about:
      'the secret that hashes the ids of erased installations; with another one, their events are stored again',
  },
  ERASURE_KEY_FILE: {
    kind: file,
    about:
      'the private key (Ed25519, PEM) that signs certificates of erasure and the ledger; public keys of earlier ones may follow in the same file',
  },
  ERASURE_LEDGER_FILE: {
    kind: file,
    about:
      'the file with the second copy of the erasure ledger, in addition to the one in Redis; npm start keeps it in DATA_DIR',
  },
  BACKUP_RETENTION_DAYS: {
    kind: wholeNumber(0, 36_500),
    about:
      'how many days backups of Postgres and Redis are kept; certificates of erasure state it, or "not stated" when this is not set',
  },
} as const satisfies Record<string, Setting>;

const COMMAND_LINE = {
  ADMIN_URL: {
    kind: tokenUrl,
    about:
      'the admin API that npm run muster connects to, over HTTPS, or over HTTP on this machine; default: that of npm start',
  },
  ADMIN_TOKEN: { kind: secret, about: 'the token of npm run muster' },
  ADMIN_CA_FILE: {
    kind: file,
    about: 'the CAs (PEM) that npm run muster trusts; default: those of the system',
  },
} as const satisfies Record<string, Setting>;

const START = {
  DATA_DIR: {
    kind: file,
    default: '.data',
    about: 'the folder in which npm start keeps its state',
  },
  WORKER_PROCESSES: {
    kind: wholeNumber(1, 64),
    default: '1',
    about: 'how many worker processes npm start runs',
  },
} as const satisfies Record<string, Setting>;

/** Every environment variable that Muster understands, under the headings of `.env.example`. */
export const SETTING_GROUPS: readonly (readonly [
  heading: string,
  Readonly<Record<string, Setting>>,
])[] = [
  ['Shared by several processes', SHARED],
  ['Addresses, TLS and proxies', ADDRESSES],
  ['Secrets to keep: see docs/backup.md', SECRETS],
  ['Ingest: limits', INGEST_LIMITS],
  ['Ingest: Redis and browsers', INGEST_CONNECTIONS],
  ['Worker and admin API', WORKER_AND_ADMIN],
  ['Retention', RETENTION],
  ['Roles of the database, for the migration command', ROLES],
  ['npm run muster', COMMAND_LINE],
  ['npm start', START],
];

export const SETTINGS = {
  ...SHARED,
  ...ADDRESSES,
  ...SECRETS,
  ...INGEST_LIMITS,
  ...INGEST_CONNECTIONS,
  ...WORKER_AND_ADMIN,
  ...RETENTION,
  ...ROLES,
  ...COMMAND_LINE,
  ...START,
} as const;

export type SettingName = keyof typeof SETTINGS;
export type SettingValue<N extends SettingName> =
  (typeof SETTINGS)[N]['kind'] extends Kind<infer T> ? T : never;
