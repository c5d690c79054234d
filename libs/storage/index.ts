export type { NormalisedBatch } from './batch.js';
export {
  erasureModes,
  erasureStates,
  type Erasure,
  type ErasureMode,
  type ErasureState,
} from './erasure/erasure.js';
export { ErasureStore, type ErasureRequest } from './erasure/erasure-store.js';
export type { ErasureFacts } from './erasure/run.js';
export { migrate, type MigrateOptions } from './migrate.js';
export { TelemetryStore, type TelemetryStoreOptions } from './telemetry-store.js';
