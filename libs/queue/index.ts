export { RedisConnections, type RedisOptions } from './connection.js';
export { CountAnnouncer } from './counts/announcer.js';
export { CountReader, type Announcement } from './counts/count-reader.js';
export { IngestCounts, type RefusalKind } from './counts/ingest-counts.js';
export type { EnvelopeBatch } from './envelope-batch.js';
export type { EnvelopeConsumer, EnvelopeConsumerOptions } from './envelope-consumer.js';
export { consumeEnvelopes } from './envelope-consumer.js';
export type { EnvelopeWriterOptions } from './envelope-writer.js';
export { EnvelopeWriter } from './envelope-writer.js';
export type { MaintenanceRunner, MaintenanceOptions, MaintenanceJob } from './maintenance.js';
export { maintenanceJobs, runMaintenance } from './maintenance.js';
export { QueueRewriter } from './queue-rewriter.js';
export { LedgerList } from './ledger-list.js';
export { LogRewriter, type RewriteOutcome } from './log-rewriter.js';
export {
  QueueInspector,
  type FailedJob,
  type JobCounts,
  type QueueStatus,
} from './queue-inspector.js';
export type { PolicyFollowerOptions, PolicyState } from './policy/follower.js';
export { PolicyFollower } from './policy/follower.js';
export type { PolicySource } from './policy/publisher.js';
export { PolicyPublisher } from './policy/publisher.js';
export type { LimitedRequest, RateLimiterOptions, Waits } from './rate-limiter.js';
export { RateLimiter } from './rate-limiter.js';
export { StoreClock, type Clock } from './store-clock.js';
export type { ClosedReason } from './unavailable.js';
export { QueueUnavailable } from './unavailable.js';
