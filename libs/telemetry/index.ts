export {
  cadencesOf,
  catalogueOf,
  type CatalogueEntry,
  type ProductCadence,
} from './products/catalogue.js';
export type { Clock } from './clock.js';
export { parseTimestamp } from './clock.js';
export type { EventOutcome, EventRejection, RejectionCode } from './dialects/native.js';
export { readNative, readNativeLines, rejectionCodes } from './dialects/native.js';
export { readDatedReport } from './dialects/octopus.js';
export type { PosthogResult } from './dialects/posthog.js';
export { findPosthogKey, readPosthog, readPosthogV1 } from './dialects/posthog.js';
export { readReport } from './dialects/reports.js';
export type { SegmentType } from './dialects/segment.js';
export { findSegmentKey, readSegmentBatch, readSegmentCall } from './dialects/segment.js';
export type {
  AcceptedCount,
  BlockedEnvelope,
  EventEnvelope,
  InvalidRequestCode,
  ReceivedEnvelope,
  RequestContext,
} from './envelope.js';
export { hourOf, InvalidRequest, keyIdOf } from './envelope.js';
export { depthCheck, parseJson } from './json.js';
export { checkValues, mentionsKey } from './scan-json.js';
export type {
  DeletionRequest,
  EmptyEvent,
  EventIdentity,
  KeptEvent,
  NormalisedEvent,
  QuarantinedEvent,
  ReplayedEvent,
  UnderstoodEvent,
  UnidentifiedEvent,
} from './normalised-event.js';
export type { NormaliseOptions } from './normalise.js';
export {
  canonicalJson,
  contentId,
  formerIdsOf,
  installationIdOf,
  parseInstallationId,
} from './identity.js';
export { isPlaceholder } from './placeholders.js';
export { normalise, normaliseKept } from './normalise.js';
export type {
  BlockRule,
  Decisions,
  EventLimits,
  KnownKey,
  Policy,
  ProductPolicy,
} from './policy.js';
export { decisionsOf, noPolicy } from './policy.js';
export type { DialectName } from './preview/any-dialect.js';
export { dialectNames, findAnyKey } from './preview/any-dialect.js';
export { preview, previewLines, type PreviewedEvent } from './preview/preview.js';
export type { ProductDeclaration } from './products/declaration.js';
export { compileProducts, ownDeclarations, ownProducts, type Products } from './products/index.js';
export { asVersion } from './privacy/tokens.js';
export { catalogueMarkdown } from './products/markdown.js';
export { PRODUCT_NAME } from './products/product-name.js';
export { declarationSchema, readDeclaration } from './products/read-declaration.js';
export type { InstallationDescription, ReportKind, Snapshot } from './report.js';
export { RESOURCE_FIGURES, resourceFigures } from './resource-figures.js';
export { reportKinds } from './report.js';
export type { Defect, DefectReason, Fate, QuarantineReason, Rejection } from './vocabulary.js';
export { FATES, fates, quarantineReasons } from './vocabulary.js';
