export {
  AdminStore,
  adminScopes,
  type Administrator,
  type AdminScope,
  type AdminToken,
} from './admin-store.js';
export type { RecordedAct } from './audit-log.js';
export type { NormalisedBatch } from './batch.js';
export { certify, isGenuine, type ErasureCertificate } from './erasure/certificate.js';
export {
  erasureModes,
  erasureStates,
  type Erasure,
  type ErasureMode,
  type ErasureState,
} from './erasure/erasure.js';
export { ErasureStore, type ErasureRequest } from './erasure/erasure-store.js';
export { Holdings } from './erasure/holdings.js';
export type { ErasureFacts } from './erasure/run.js';
export { migrate, type MigrateOptions } from './migrate.js';
export type { Block } from './policy/block-rules.js';
export { PolicyStore, type PolicyStoreOptions } from './policy/policy-store.js';
export type { ProductChange, ProductDecision } from './policy/product-policies.js';
export type { NewWriteKey, UnrotatableReason, WriteKey } from './policy/write-keys.js';
export { TelemetryStore, type TelemetryStoreOptions } from './telemetry-store.js';
