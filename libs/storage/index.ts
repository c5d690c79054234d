export { adminScopes, scopeMeanings, type AdminScope } from './admin-scopes.js';
export { AdminStore, digestOfToken, type Administrator, type AdminToken } from './admin-store.js';
export { APPLICATION_ROLE, isApplication } from './application-role.js';
export { actOutcomes, type Actor, type RecordedAct } from './audit-log.js';
export { IngestLedger } from './balance/ingest-ledger.js';
export type { NormalisedBatch } from './batch.js';
export { Books, type BalancedHour, type BalanceFilter } from './books.js';
export { addTo, certify, isGenuine, type ErasureCertificate } from './erasure/certificate.js';
export {
  erasureModes,
  erasureStates,
  type Erasure,
  type ErasureMode,
  type ErasureState,
  type LogState,
} from './erasure/erasure.js';
export { ErasureStore, type Progress, type WorkerContext } from './erasure/erasure-store.js';
export { Holdings } from './erasure/holdings.js';
export type { ErasureRequest } from './erasure/request.js';
export type { ErasureFacts } from './erasure/run.js';
export { Database, type DatabaseOptions } from './database/database.js';
export { isBadValue, isConnectionLoss } from './database/postgres-errors.js';
export { UnsuitableDatabase } from './database/session-settings.js';
export {
  dbtSource,
  describeViews,
  dictionaryMarkdown,
  type ViewDescription,
} from './dictionary.js';
export { chainFaults, type ChainFault } from './ledger/chain.js';
export type { Forgotten, LedgerComparison } from './ledger/comparison.js';
export type { LedgerPlace, LedgerRecord } from './ledger/entry.js';
export { ErasureLedger, type LedgerOptions } from './ledger/ledger.js';
export { LedgerFile, LedgerNotWritable } from './ledger/ledger-file.js';
export { reconcile, type LedgerFault, type Reconciliation } from './ledger/reconcile.js';
export type { Repair } from './ledger/repair.js';
export { verifyLedger, type CopyReport, type LedgerVerification } from './ledger/verify.js';
export { migrate, type MigrateOptions } from './migrate.js';
export type { Block } from './policy/block-rules.js';
export { PolicyStore, type PolicyStoreOptions } from './policy/policy-store.js';
export type { ProductChange, ProductDecision } from './policy/product-policies.js';
export type { NewWriteKey, UnrotatableReason, WriteKey } from './policy/write-keys.js';
export { quarantineFilterFields, type QuarantineFilter } from './quarantine/filter.js';
export {
  quarantineJobKinds,
  quarantineJobStates,
  type QuarantineJob,
  type QuarantineJobKind,
} from './quarantine/job.js';
export {
  summaryFields,
  type ListedEvent,
  type SummaryField,
  type SummaryGroup,
} from './quarantine/listing.js';
export {
  purgeStates,
  type Purge,
  type PurgeScope,
  type PurgeState,
  type SentGroup,
} from './purge/purge.js';
export { PurgeStore } from './purge/purge-store.js';
export { QuarantineStore } from './quarantine/quarantine-store.js';
export { markChanges } from './rollups/marks.js';
export type { RefreshOptions, RefreshProgress, RefreshResult } from './rollups/refresh.js';
export { Rollups } from './rollups/rollups.js';
export { TelemetryStore, type TelemetryStoreOptions } from './telemetry-store.js';
export { holdFloor } from './housekeeping/expiry.js';
export { HousekeepingStore } from './housekeeping/housekeeping-store.js';
export type { RetentionOptions, RetentionResult } from './housekeeping/retention.js';
export type { JobState, Run } from './housekeeping/runs.js';
export {
  exportFormats,
  exportView,
  type ExportFormat,
  type ExportOptions,
} from './export/export-view.js';
export { ExportRefused } from './export/view-columns.js';
