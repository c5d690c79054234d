export type { Clock } from './clock.js';
export { parseTimestamp } from './clock.js';
export type { EventOutcome, EventRejection, RejectionCode } from './dialects/native.js';
export { readNative, readNativeLines } from './dialects/native.js';
export { readReport } from './dialects/reports.js';
export type { SegmentType } from './dialects/segment.js';
export { readSegmentBatch, readSegmentCall } from './dialects/segment.js';
export type {
  AcceptedCount,
  EventEnvelope,
  InvalidRequestCode,
  ReceivedEnvelope,
  RequestContext,
} from './envelope.js';
export { hourOf, InvalidRequest } from './envelope.js';
export { parseJson } from './json.js';
export type {
  EmptyEvent,
  EventIdentity,
  NormalisedEvent,
  QuarantinedEvent,
  UnderstoodEvent,
  UnidentifiedEvent,
} from './normalise.js';
export { contentId } from './identity.js';
export { normalise, quarantine } from './normalise.js';
export type { InstallationDescription, ReportKind, ResourceFigures, Snapshot } from './report.js';
export { reportKinds } from './report.js';
export type { Defect, DefectReason, Fate, QuarantineReason, Rejection } from './vocabulary.js';
export { defectReasons, fates, quarantineReasons } from './vocabulary.js';
