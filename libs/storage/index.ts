export { adminScopes, scopeMeanings, type AdminScope } from './access/admin-scopes.js';
export {
  AdminStore,
  digestOfToken,
  type Administrator,
  type AdminToken,
} from './access/admin-tokens.js';
export { TOKEN_NAME, tokenNameProblem } from './access/token-names.js';
export { APPLICATION_ROLE, isApplication } from './schema/application-role.js';
export { auditOutcomes, type Actor, type AuditRecord } from './database/audit-log.js';
export { IngestBalance } from './balance/ingest-balance.js';
export type { NormalisedBatch } from './write/batch.js';
export { BalanceReader, type BalancedHour, type BalanceFilter } from './read/balance.js';
export { addTo, certify, isGenuine, type ErasureCertificate } from './erasure/certificate.js';
export { erasureModes, type ErasureMode } from './ledger/erasure-mode.js';
export {
  erasureStates,
  type Erasure,
  type ErasureState,
  type LogState,
} from './erasure/erasure.js';
export { ErasureStore, type Progress, type WorkerContext } from './erasure/erasure-store.js';
export { InstallationData } from './read/installation-data.js';
export { IdempotencyKeyReused, type ErasureRequest } from './erasure/request.js';
export type { ErasureFacts } from './erasure/context.js';
export { Database, type DatabaseOptions } from './database/database.js';
export { findDueWork, type WorkKind } from './database/due-work.js';
export { isBadValue, isConnectionLoss, isTimeout } from './database/postgres-errors.js';
export { UnsuitableDatabase } from './database/session-settings.js';
export {
  dbtSource,
  describeViews,
  dictionaryMarkdown,
  type ViewDescription,
} from './schema/data-dictionary.js';
export { chainFaults, type ChainFault } from './ledger/chain.js';
export { type Forgotten, LedgerComparison } from './recovery/comparison.js';
export type { LedgerPlace, LedgerRecord } from './ledger/entry.js';
export { ErasureLedger, type LedgerOptions } from './ledger/ledger.js';
export { LedgerFile, LedgerNotWritable, UnknownLedgerKey } from './ledger/ledger-file.js';
export { reconcile, type LedgerFault, type Reconciliation } from './recovery/reconcile.js';
export type { Repair } from './ledger/repair.js';
export { verifyLedger, type CopyReport, type LedgerVerification } from './recovery/verify.js';
export { migrate, type MigrateOptions } from './schema/migrate.js';
export type { Block } from './access/block-rules.js';
export { PolicyStore, type PolicyStoreOptions } from './access/policy-store.js';
export type { ProductChange, ProductDecision } from './access/product-policies.js';
export type { NewWriteKey, UnrotatableReason, WriteKey } from './access/write-keys.js';
export type { QuarantineFilter } from './quarantine/filter.js';
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
export type { PurgeContext } from './purge/run.js';
export { QuarantineStore } from './quarantine/quarantine-store.js';
export type { RefreshResult } from './rollups/refresh.js';
export type { RefreshOptions, RefreshProgress } from './rollups/refresh-options.js';
export { Rollups } from './rollups/rollups.js';
export { TelemetryStore, type TelemetryStoreOptions } from './write/telemetry-store.js';
export { MaintenanceStore } from './maintenance/maintenance-store.js';
export type { RetentionOptions, RetentionResult } from './maintenance/retention.js';
export type { JobState, Run } from './maintenance/runs.js';
export {
  exportFormats,
  exportView,
  type ExportFormat,
  type ExportOptions,
} from './read/export-view.js';
export { ExportRefused } from './read/view-columns.js';
