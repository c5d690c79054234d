import { TRANSPORT, TRANSPORT_OPTIONAL } from './transport-settings.js';

// The settings of each process: the property name of each value, and its variable.

export const INGEST = {
  redisUrl: 'REDIS_URL',
  queuePrefix: 'QUEUE_PREFIX',
  logLevel: 'LOG_LEVEL',
  host: 'INGEST_HOST',
  port: 'INGEST_PORT',
  protocol: 'INGEST_PROTOCOL',
  ...TRANSPORT,
  metricsHost: 'INGEST_METRICS_HOST',
  requirePolicy: 'REQUIRE_POLICY',
  identityKey: 'IDENTITY_KEY',
  retentionDays: 'RETENTION_DAYS',
  maxBodyBytes: 'MAX_BODY_BYTES',
  maxInflatedBytes: 'MAX_INFLATED_BYTES',
  maxEventsPerRequest: 'MAX_EVENTS_PER_REQUEST',
  maxEventBytes: 'MAX_EVENT_BYTES',
  maxJsonDepth: 'MAX_JSON_DEPTH',
  maxJsonValues: 'MAX_JSON_VALUES',
  maxUnknownBytesPerMinute: 'UNKNOWN_BYTES_PER_MINUTE',
  maxPreviewEventsPerMinute: 'PREVIEW_EVENTS_PER_MINUTE',
  redisMemoryShare: 'REDIS_MEMORY_SHARE',
  redisTimeoutMs: 'REDIS_TIMEOUT_MS',
  redisHoldMs: 'REDIS_HOLD_MS',
  maxHeldRequests: 'MAX_HELD_REQUESTS',
  unansweredAgents: 'UNANSWERED_AGENTS',
  redisDurability: 'REDIS_DURABILITY',
  corsOrigins: 'CORS_ORIGINS',
} as const;

export const INGEST_OPTIONAL = {
  ...TRANSPORT_OPTIONAL,
  metricsPort: 'INGEST_METRICS_PORT',
  productsDir: 'PRODUCTS_DIR',
  writeKeys: 'WRITE_KEYS',
} as const;

export const WORKER = {
  databaseUrl: 'DATABASE_URL',
  redisUrl: 'REDIS_URL',
  queuePrefix: 'QUEUE_PREFIX',
  logLevel: 'LOG_LEVEL',
  stopTimeoutMs: 'STOP_TIMEOUT_MS',
  concurrency: 'WORKER_CONCURRENCY',
  healthHost: 'WORKER_HEALTH_HOST',
  stallSeconds: 'WORKER_STALL_SECONDS',
  balanceSeconds: 'WORKER_BALANCE_SECONDS',
  retentionDays: 'RETENTION_DAYS',
  quarantineRetentionDays: 'QUARANTINE_RETENTION_DAYS',
  rollupRetentionDays: 'ROLLUP_RETENTION_DAYS',
  suppressionKey: 'SUPPRESSION_KEY',
  erasureKeyFile: 'ERASURE_KEY_FILE',
} as const;

export const ADMIN = {
  databaseUrl: 'DATABASE_URL',
  databaseConnections: 'ADMIN_DATABASE_CONNECTIONS',
  redisUrl: 'REDIS_URL',
  queuePrefix: 'QUEUE_PREFIX',
  logLevel: 'LOG_LEVEL',
  host: 'ADMIN_HOST',
  port: 'ADMIN_PORT',
  protocol: 'ADMIN_PROTOCOL',
  ...TRANSPORT,
  metricsHost: 'ADMIN_METRICS_HOST',
  identityKey: 'IDENTITY_KEY',
  suppressionKey: 'SUPPRESSION_KEY',
  erasureKeyFile: 'ERASURE_KEY_FILE',
} as const;

export const ADMIN_OPTIONAL = {
  ...TRANSPORT_OPTIONAL,
  metricsPort: 'ADMIN_METRICS_PORT',
  productsDir: 'PRODUCTS_DIR',
  ledgerFile: 'ERASURE_LEDGER_FILE',
} as const;

export const WORKER_OPTIONAL = {
  databaseConnections: 'WORKER_DATABASE_CONNECTIONS',
  healthPort: 'WORKER_HEALTH_PORT',
  stuckSeconds: 'WORKER_STUCK_SECONDS',
  productsDir: 'PRODUCTS_DIR',
  ledgerFile: 'ERASURE_LEDGER_FILE',
  backupDays: 'BACKUP_RETENTION_DAYS',
} as const;

export const START = {
  dataDir: 'DATA_DIR',
  queuePrefix: 'QUEUE_PREFIX',
  host: 'INGEST_HOST',
  port: 'INGEST_PORT',
  adminHost: 'ADMIN_HOST',
  adminPort: 'ADMIN_PORT',
  adminProtocol: 'ADMIN_PROTOCOL',
  protocol: 'INGEST_PROTOCOL',
  ingestMetricsHost: 'INGEST_METRICS_HOST',
  adminMetricsHost: 'ADMIN_METRICS_HOST',
  workerHealthHost: 'WORKER_HEALTH_HOST',
  workerProcesses: 'WORKER_PROCESSES',
  stopTimeoutMs: 'STOP_TIMEOUT_MS',
  privacyMinInstallations: 'PRIVACY_MIN_INSTALLATIONS',
} as const;

export const START_OPTIONAL = {
  databaseUrl: 'DATABASE_URL',
  redisUrl: 'REDIS_URL',
  certFile: 'TLS_CERT_FILE',
  keyFile: 'TLS_KEY_FILE',
  productsDir: 'PRODUCTS_DIR',
  healthPort: 'WORKER_HEALTH_PORT',
  writeKeys: 'WRITE_KEYS',
  identityKey: 'IDENTITY_KEY',
  suppressionKey: 'SUPPRESSION_KEY',
  erasureKeyFile: 'ERASURE_KEY_FILE',
  analystPassword: 'ANALYST_PASSWORD',
  appPassword: 'APP_PASSWORD',
  privacyAnalystPassword: 'PRIVACY_ANALYST_PASSWORD',
} as const;
