export { networkOf } from './addresses.js';
export { makeCertificate } from './certificate.js';
export { measureCertificate } from './certificate-metrics.js';
export { measureClock } from './clock-metrics.js';
export { Drain } from './drain.js';
export { replaceFile } from './durable-file.js';
export { makeErasureKey, publicPem, readErasureKey, readFormerErasureKeys } from './erasure-key.js';
export {
  errorTable,
  hasStatus,
  isA,
  responseTo,
  statusesOf,
  type ErrorCodeOf,
  type ErrorMeanings,
} from './errors.js';
export { HttpServers } from './http-servers.js';
export { MetricsServer } from './metrics-server.js';
export { readJsonFolder } from './json-folder.js';
export { runProcess, type Running } from './lifecycle.js';
export {
  createLogger,
  logClock,
  NestLogger,
  type DestinationStream,
  type Logger,
  type LogLevel,
} from './logging.js';
export { parseIdList } from './id-list.js';
export { optionsTakenByNpm } from './npm-options.js';
export { refuseOtherMethods } from './other-methods.js';
export { drainRequestBody } from './drain-request-body.js';
export {
  adminSettings,
  commandSettings,
  tokenSettings,
  type AdminSettings,
  docsSettings,
  ingestSettings,
  migrateSettings,
  startSettings,
  workerSettings,
  type Environment,
  type IngestSettings,
  type StartSettings,
  type WorkerSettings,
} from './settings.js';
export { StartupError } from './startup-error.js';
export {
  continueBeforeBodies,
  dropUnannouncedBodies,
  guardTransport,
  transportOptions,
} from './transport-guard.js';
export { softwareVersion } from './version.js';
export { loadTls, ServedCertificate, type TlsFiles, type TlsPair } from './tls.js';
export type { CertificateValidity } from './certificate-validity.js';
