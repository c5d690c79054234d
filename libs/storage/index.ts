export { AdminStore, adminScopes, type Administrator, type AdminScope } from './admin-store.js';
export { APPLICATION_ROLE, isApplication } from './application-role.js';
export type { NormalisedBatch } from './batch.js';
export { certify, isGenuine, type ErasureCertificate } from './erasure/certificate.js';
export {
  erasureModes,
  erasureStates,
  type Erasure,
  type ErasureMode,
  type ErasureState,
} from './erasure/erasure.js';
export { ErasureStore, type Progress, type WorkerContext } from './erasure/erasure-store.js';
export { Holdings } from './erasure/holdings.js';
export type { ErasureRequest } from './erasure/request.js';
export type { ErasureFacts } from './erasure/run.js';
export { migrate, type MigrateOptions } from './migrate.js';
export { TelemetryStore, type TelemetryStoreOptions } from './telemetry-store.js';
