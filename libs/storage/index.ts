export type { NormalisedBatch } from './batch.js';
export { migrate, type MigrateOptions } from './migrate.js';
export { TelemetryStore, type TelemetryStoreOptions } from './telemetry-store.js';
