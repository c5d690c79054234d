import {
  addresses,
  longSecret,
  oneOf,
  origins,
  prefixes,
  secret,
  secretUrl,
  share,
  textLike,
  wholeNumber,
  writeKeys,
  type Kind,
} from './setting-kinds.js';

/** One environment variable. Without `usually` it has no default: see who requires it. */
export interface Setting<T = unknown> {
  readonly kind: Kind<T>;
  readonly about: string;
  readonly usually?: string;
}

const file = textLike(/./s, 'the path of a file');
const host = textLike(/^[^\s/]+$/, 'a host name or an address');
const KIB = 1024;

/** Every environment variable that Muster understands. `.env.example` repeats it for people. */
export const SETTINGS = {
  DATABASE_URL: {
    kind: secretUrl(['postgres:', 'postgresql:'], 'postgres://user:password@host:5432/muster'),
    about: 'Postgres; npm start brings its own when this is not set',
  },
  REDIS_URL: {
    kind: secretUrl(['redis:', 'rediss:'], 'redis://default:password@host:6379/0'),
    about: 'Redis (rediss:// for TLS); npm start brings its own when this is not set',
  },
  QUEUE_PREFIX: {
    kind: textLike(/^[\w:{}-]{1,64}$/, '1 to 64 letters, digits or _ - : { }'),
    usually: 'muster',
    about: 'what all keys in Redis begin with',
  },
  LOG_LEVEL: {
    kind: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    usually: 'info',
    about: 'the least severe level that is logged',
  },
  STOP_TIMEOUT_MS: {
    kind: wholeNumber(1),
    usually: '25000',
    about: 'how long a process may take to finish its work when it is told to stop',
  },
  INGEST_HOST: { kind: host, usually: 'localhost', about: 'the address ingest listens on' },
  INGEST_PORT: {
    kind: wholeNumber(0, 65535),
    usually: '8443',
    about: 'the HTTPS port of ingest; 0 picks a free one',
  },
  ADMIN_HOST: { kind: host, usually: 'localhost', about: 'the address the admin API listens on' },
  ADMIN_PORT: {
    kind: wholeNumber(0, 65535),
    usually: '8444',
    about: 'the HTTPS port of the admin API; 0 picks a free one',
  },
  INGEST_PROTOCOL: {
    kind: oneOf('https', 'http'),
    usually: 'https',
    about:
      'http: ingest speaks plain HTTP, to the TRUSTED_PROXIES only, which end the TLS of its clients',
  },
  ADMIN_PROTOCOL: {
    kind: oneOf('https', 'http'),
    usually: 'https',
    about: 'the same for the admin API',
  },
  TRUSTED_PROXIES: {
    kind: addresses,
    about:
      'the proxies and load balancers whose X-Forwarded-For, X-Forwarded-Proto and PROXY protocol headers are believed: a comma list of addresses and networks; none when not set',
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
      'how long ingest and the admin API serve on after SIGTERM, not ready, until load balancers have noticed; below STOP_TIMEOUT_MS',
  },
  ADMIN_URL: {
    kind: secretUrl(['https:'], 'https://muster.example.com:8444'),
    about: 'the admin API that npm run muster speaks to; the one of npm start when not set',
  },
  ADMIN_TOKEN: { kind: secret, about: 'the token that npm run muster shows it' },
  ADMIN_CA_FILE: {
    kind: file,
    about: 'the certificates (PEM) that npm run muster trusts; those of the system when not set',
  },
  TLS_CERT_FILE: {
    kind: file,
    about: 'the certificate (PEM, with its chain), reread when it changes; not used by plain HTTP',
  },
  TLS_KEY_FILE: { kind: file, about: 'the private key of the certificate (PEM)' },
  WRITE_KEYS: {
    kind: writeKeys,
    about:
      'who may send beside the keys that administrators make: a comma list of product:sha256 of the key',
  },
  IDENTITY_KEY: {
    kind: longSecret,
    about:
      'the secret under which ids that must not be kept are hashed; with another one, the same installation and user get other ids',
  },
  SUPPRESSION_KEY: {
    kind: longSecret,
    about:
      'the secret under which erased installations are known, so that nothing of theirs is stored again',
  },
  ERASURE_KEY_FILE: {
    kind: file,
    about:
      'the private key (Ed25519, PEM) that certificates of erasure and the ledger are signed with; public keys of earlier ones may follow in the same file',
  },
  ERASURE_LEDGER_FILE: {
    kind: file,
    about:
      'where workers keep a second copy of the erasure ledger, beside the one in Redis; npm start has one in its folder',
  },
  BACKUP_RETENTION_DAYS: {
    kind: wholeNumber(0, 36_500),
    about:
      'how many days backups of Postgres and Redis are kept, as certificates of erasure state it; "not stated" when not set',
  },
  PRODUCTS_DIR: {
    kind: file,
    about: 'a folder of JSON files, each of which declares a product beside those of Muster itself',
  },
  MAX_BODY_BYTES: {
    kind: wholeNumber(KIB),
    usually: '2097152',
    about: 'the largest request body as sent',
  },
  MAX_INFLATED_BYTES: {
    kind: wholeNumber(KIB),
    usually: '8388608',
    about: 'the largest request body after decompression',
  },
  MAX_EVENTS_PER_REQUEST: {
    kind: wholeNumber(1),
    usually: '2500',
    about: 'the most events in one request',
  },
  MAX_EVENT_BYTES: { kind: wholeNumber(KIB), usually: '1048576', about: 'the largest event' },
  MAX_JSON_DEPTH: { kind: wholeNumber(4, 1000), usually: '20', about: 'the deepest JSON nesting' },
  MAX_JSON_VALUES: {
    kind: wholeNumber(1000),
    usually: '400000',
    about: 'the most JSON values (members, items, objects and lists) in one request',
  },
  UNKNOWN_BYTES_PER_MINUTE: {
    kind: wholeNumber(KIB),
    usually: '33554432',
    about:
      'how many bytes one address may send in a minute, after decompression, in bodies without a valid write key',
  },
  PREVIEW_EVENTS_PER_MINUTE: {
    kind: wholeNumber(1),
    usually: '3000',
    about: 'how many events one write key may have previewed in a minute by one ingest process',
  },
  REDIS_MEMORY_SHARE: {
    kind: share,
    usually: '0.8',
    about: 'the share of its maxmemory that Redis may use before ingest answers 503',
  },
  REDIS_TIMEOUT_MS: {
    kind: wholeNumber(1),
    usually: '800',
    about: 'how long Redis may take to answer before it counts as unreachable',
  },
  REDIS_HOLD_MS: {
    kind: wholeNumber(0, 60_000),
    usually: '8000',
    about:
      'how long ingest holds a request while Redis is unreachable before it answers 503; 0 holds none',
  },
  MAX_HELD_REQUESTS: {
    kind: wholeNumber(1),
    usually: '5000',
    about: 'how many requests ingest holds at once while Redis is unreachable',
  },
  UNANSWERED_AGENTS: {
    kind: prefixes,
    usually: 'analytics-go',
    about:
      'whose connection is closed without an answer instead of a 503: a comma list of how a User-Agent begins, or none',
  },
  REDIS_DURABILITY: {
    kind: oneOf('verified', 'trusted'),
    usually: 'verified',
    about: 'verified: refuse a Redis that does not fsync every write; trusted: take its word',
  },
  CORS_ORIGINS: {
    kind: origins,
    usually: '*',
    about: 'the origins whose pages may send: * or a comma list',
  },
  WORKER_CONCURRENCY: {
    kind: wholeNumber(1, 1000),
    usually: '4',
    about: 'jobs a worker has under way at once',
  },
  WORKER_DATABASE_CONNECTIONS: {
    kind: wholeNumber(3, 10_000),
    about:
      'the most database connections of a worker; WORKER_CONCURRENCY + 6 when not set, one for each job, one for a replay and five for erasures, maintenance and short statements',
  },
  ADMIN_DATABASE_CONNECTIONS: {
    kind: wholeNumber(2, 10_000),
    usually: '8',
    about: 'the most database connections of the admin API',
  },
  WORKER_HEALTH_HOST: {
    kind: host,
    usually: 'localhost',
    about: "the address of a worker's health port",
  },
  WORKER_HEALTH_PORT: {
    kind: wholeNumber(0, 65535),
    about: "a worker's health port, plain HTTP; none when not set, 0 picks a free one",
  },
  RETENTION_DAYS: {
    kind: wholeNumber(1, 36_500),
    usually: '400',
    about:
      'how many days events are kept, unless their product has a policy of its own, and how far back their clock is believed',
  },
  ROLLUP_RETENTION_DAYS: {
    kind: wholeNumber(1, 36_500),
    usually: '1830',
    about: 'how many days it is kept what was counted of events',
  },
  QUARANTINE_RETENTION_DAYS: {
    // So long repetitions are known, also those of an event that is kept aside.
    kind: wholeNumber(30, 36_500),
    usually: '30',
    about: 'how many days quarantined events are kept to be replayed',
  },
  ANALYST_PASSWORD: {
    kind: secret,
    about: 'the password of the role analyst, which a whole server shares; npm start makes one',
  },
  APP_PASSWORD: {
    kind: secret,
    about:
      'the password of the role muster_app, as which workers and the admin API connect; a whole server shares it; npm start makes one',
  },
  PRIVACY_MIN_INSTALLATIONS: {
    kind: wholeNumber(2, 1_000_000),
    usually: '10',
    about: 'what counts fewer installations than that is left out of the schema fleet_privacy',
  },
  PRIVACY_ANALYST_PASSWORD: {
    kind: secret,
    about:
      'the password of the role privacy_analyst, which reads fleet_privacy; without one it cannot log in',
  },
  DATA_DIR: { kind: file, usually: '.data', about: 'where npm start keeps its state' },
  WORKER_PROCESSES: {
    kind: wholeNumber(1, 64),
    usually: '1',
    about: 'how many worker processes npm start runs',
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
export type SettingValue<N extends SettingName> =
  (typeof SETTINGS)[N]['kind'] extends Kind<infer T> ? T : never;
