import {
  addresses,
  longSecret,
  oneOf,
  secret,
  secretUrl,
  textLike,
  tokenUrl,
  wholeNumber,
  writeKeys,
  type Kind,
  type Setting,
} from './setting-kinds.js';
import { INGEST_LIMITS } from './ingest-limits.js';

const file = textLike(/./s, 'the path of a file');
const host = textLike(/^[^\s/]+$/, 'a host name or an address');

/** Every environment variable that Muster understands. `.env.example` repeats it for people. */
export const SETTINGS = {
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
    usually: 'muster',
    about: 'the prefix of all keys in Redis',
  },
  LOG_LEVEL: {
    kind: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    usually: 'info',
    about: 'the lowest level that is logged',
  },
  STOP_TIMEOUT_MS: {
    kind: wholeNumber(1),
    usually: '25000',
    about: 'how long a process may take to finish its work after SIGTERM',
  },
  INGEST_HOST: { kind: host, usually: 'localhost', about: 'the address ingest listens on' },
  INGEST_PORT: {
    kind: wholeNumber(0, 65535),
    usually: '8443',
    about: 'the HTTPS port of ingest; 0 picks a free one',
  },
  INGEST_METRICS_HOST: {
    kind: host,
    usually: 'localhost',
    about: "the address of ingest's metrics port",
  },
  INGEST_METRICS_PORT: {
    kind: wholeNumber(0, 65535),
    about: "ingest's metrics port for Prometheus, plain HTTP; default: none; 0 picks a free one",
  },
  ADMIN_HOST: { kind: host, usually: 'localhost', about: 'the address the admin API listens on' },
  ADMIN_PORT: {
    kind: wholeNumber(0, 65535),
    usually: '8444',
    about: 'the HTTPS port of the admin API; 0 picks a free one',
  },
  ADMIN_METRICS_HOST: {
    kind: host,
    usually: 'localhost',
    about: 'the address of the metrics port of the admin API',
  },
  ADMIN_METRICS_PORT: {
    kind: wholeNumber(0, 65535),
    about:
      'the metrics port of the admin API for Prometheus, plain HTTP; default: none; 0 picks a free one',
  },
  INGEST_PROTOCOL: {
    kind: oneOf('https', 'http'),
    usually: 'https',
    about: 'http: ingest serves plain HTTP, to the TRUSTED_PROXIES only, which terminate TLS',
  },
  ADMIN_PROTOCOL: {
    kind: oneOf('https', 'http'),
    usually: 'https',
    about: 'http: the same for the admin API',
  },
  TRUSTED_PROXIES: {
    kind: addresses,
    about:
      'the proxies and load balancers whose X-Forwarded-For, X-Forwarded-Proto and PROXY protocol headers are trusted: a comma-separated list of addresses and networks; default: none',
  },
  PROXY_PROTOCOL: {
    kind: oneOf('off', 'on'),
    usually: 'off',
    about: 'on: each connection from a trusted proxy begins with a PROXY protocol header (1 or 2)',
  },
  KEEP_ALIVE_MS: {
    kind: wholeNumber(1000),
    usually: '72000',
    about:
      'how long ingest and the admin API keep an idle connection open; longer than a load balancer in front does',
  },
  DRAIN_MS: {
    kind: wholeNumber(0),
    usually: '0',
    about:
      'how long ingest and the admin API keep serving after SIGTERM, not ready, so that load balancers notice; below STOP_TIMEOUT_MS',
  },
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
  TLS_CERT_FILE: {
    kind: file,
    about: 'the certificate (PEM, with its chain), reloaded when it changes',
  },
  TLS_KEY_FILE: { kind: file, about: 'the private key of the certificate (PEM)' },
  WRITE_KEYS: {
    kind: writeKeys,
    about:
      'write keys in addition to those that administrators create: a comma-separated list of product:sha256 of the key',
  },
  REQUIRE_POLICY: {
    kind: oneOf('off', 'on'),
    usually: 'off',
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
  PRODUCTS_DIR: {
    kind: file,
    about: "a folder of JSON files, each of which declares a product in addition to Muster's own",
  },
  ...INGEST_LIMITS,
  WORKER_CONCURRENCY: {
    kind: wholeNumber(1, 1000),
    usually: '4',
    about: 'how many jobs a worker processes at once',
  },
  WORKER_DATABASE_CONNECTIONS: {
    kind: wholeNumber(4, 10_000),
    about:
      'the maximum number of database connections of a worker; default: WORKER_CONCURRENCY + 7, one per job, one that listens and six for replays, erasures, maintenance and short statements',
  },
  ADMIN_DATABASE_CONNECTIONS: {
    kind: wholeNumber(3, 10_000),
    usually: '8',
    about: 'the maximum number of database connections of the admin API, one of which listens',
  },
  WORKER_HEALTH_HOST: {
    kind: host,
    usually: 'localhost',
    about: "the address of a worker's health port",
  },
  WORKER_HEALTH_PORT: {
    kind: wholeNumber(0, 65535),
    about: "a worker's health port, plain HTTP; default: none; 0 picks a free one",
  },
  WORKER_STALL_SECONDS: {
    kind: wholeNumber(1, 86_400),
    usually: '300',
    about: 'a worker is unhealthy if jobs wait and it completed none for this long',
  },
  WORKER_STUCK_SECONDS: {
    kind: wholeNumber(1, 86_400),
    about:
      'a worker is unhealthy if one of its loops makes no progress for this long; default: a limit per loop, from 2 minutes to 6 hours',
  },
  WORKER_BALANCE_SECONDS: {
    kind: wholeNumber(1, 60),
    usually: '5',
    about: 'how often a worker compares what ingest acknowledged with what has arrived',
  },
  RETENTION_DAYS: {
    kind: wholeNumber(1, 36_500),
    usually: '400',
    about:
      "how many days events are kept, unless their product's policy overrides it, and how old an event's own time may be",
  },
  ROLLUP_RETENTION_DAYS: {
    kind: wholeNumber(1, 36_500),
    usually: '1830',
    about: 'how many days rollups, event counts and refusals are kept',
  },
  QUARANTINE_RETENTION_DAYS: {
    // Duplicates are recognised for this long, also those of a quarantined event.
    kind: wholeNumber(30, 36_500),
    usually: '30',
    about: 'how many days quarantined events are kept for replay',
  },
  ANALYST_PASSWORD: {
    kind: secret,
    about:
      'the password of the role analyst, which is shared by a whole server; npm start generates one',
  },
  APP_PASSWORD: {
    kind: secret,
    about:
      'the password of the role muster_app, as which workers and the admin API connect; the role is shared by a whole server; npm start generates the password',
  },
  PRIVACY_MIN_INSTALLATIONS: {
    kind: wholeNumber(2, 1_000_000),
    usually: '10',
    about: 'groups with fewer installations are left out of the schema fleet_privacy',
  },
  PRIVACY_ANALYST_PASSWORD: {
    kind: secret,
    about:
      'the password of the role privacy_analyst, which reads fleet_privacy; without one it cannot log in',
  },
  DATA_DIR: {
    kind: file,
    usually: '.data',
    about: 'the folder in which npm start keeps its state',
  },
  WORKER_PROCESSES: {
    kind: wholeNumber(1, 64),
    usually: '1',
    about: 'how many worker processes npm start runs',
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
export type SettingValue<N extends SettingName> =
  (typeof SETTINGS)[N]['kind'] extends Kind<infer T> ? T : never;
