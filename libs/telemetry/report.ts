import type { ContentName } from './identity.js';
import { contentId, nameContent } from './identity.js';
import type { EventEnvelope } from './envelope.js';
import type { TextRule } from './privacy/redact.js';
import type { BrowserDistinctId, Consent } from './products/declaration.js';
import type { ResourceFigures } from './resource-figures.js';
import type { Properties, Understood } from './vocabulary.js';

/**
 * The content of a report, in a canonical order so that equal contents have equal ids. The arrays of a snapshot are
 * parallel: the nth unit has the nth total.
 */
export type Snapshot =
  | HealthSnapshot
  | PackageSnapshot
  | FrameworkSnapshot
  | UiSnapshot
  | MetricSnapshot
  | ErrorSnapshot;

/** Reports point at a snapshot by its `id`. */
interface SnapshotBase extends ContentName {
  /** The sorted names of properties that were partly or wholly dropped. Missing if none was. */
  dropped?: readonly string[];
}

export interface HealthSnapshot extends SnapshotBase {
  kind: 'health';
  unitSetId: string;
  units: string[];
  unitTypes: string[];
  totals: number[];
  unhealthy: number[];
}

export interface PackageSnapshot extends SnapshotBase {
  kind: 'packages';
  packages: string[];
  /** Empty if the agent sent no version. */
  versions: string[];
  instances: number[];
}

export interface FrameworkSnapshot extends SnapshotBase {
  kind: 'frameworks';
  frameworks: string[];
  instances: number[];
}

export interface UiSnapshot extends SnapshotBase {
  kind: 'ui';
  action: UiAction;
  /** Empty if the agent sent none. */
  path: string;
  appVersion: string;
}

/** The metric values of a usage event or a report of metrics. */
export interface MetricSnapshot extends SnapshotBase {
  kind: 'metrics';
  metricSetId: string;
  event: string;
  /** The outcome of the event; empty if it has none. */
  outcome: string;
  /** Whether the event describes its installation. */
  describes: boolean;
  metrics: string[];
  /** Empty for a metric without dimension. */
  dimensions: string[];
  figures: number[];
}

export interface ErrorSnapshot extends SnapshotBase {
  kind: 'error';
  event: string;
  /** The class of the error; empty if the agent sent none. */
  errorKind: string;
  /** 64 bits of a hash of event, kind and message, in hex. */
  fingerprint: string;
  /** Scrubbed. */
  message: string;
  /** The number of errors that the report represents. */
  occurrences: number;
}

export type UiAction = 'page_view' | 'login' | 'logout' | 'identify';

type Content<S extends Snapshot> = S extends Snapshot
  ? Omit<S, 'kind' | keyof ContentName | 'unitSetId' | 'metricSetId' | 'dropped'>
  : never;

export function healthSnapshot(content: Content<HealthSnapshot>): HealthSnapshot {
  const { units, totals, unhealthy } = content;
  const unitSetId = contentId('units', units);
  const name = nameContent('health', unitSetId, totals, unhealthy);
  return { kind: 'health', ...name, unitSetId, ...content };
}

export function packageSnapshot(content: Content<PackageSnapshot>): PackageSnapshot {
  const { packages, versions, instances } = content;
  return {
    kind: 'packages',
    ...nameContent('packages', packages, versions, instances),
    ...content,
  };
}

export function frameworkSnapshot(content: Content<FrameworkSnapshot>): FrameworkSnapshot {
  const { frameworks, instances } = content;
  return { kind: 'frameworks', ...nameContent('frameworks', frameworks, instances), ...content };
}

export function uiSnapshot(content: Content<UiSnapshot>): UiSnapshot {
  const { action, path, appVersion } = content;
  return { kind: 'ui', ...nameContent('ui', action, path, appVersion), ...content };
}

export function metricSnapshot(content: Content<MetricSnapshot>): MetricSnapshot {
  const { event, outcome, describes, metrics, dimensions, figures } = content;
  const metricSetId = contentId('metric_set', metrics, dimensions);
  const name = nameContent('metrics', metricSetId, event, outcome, describes, figures);
  return { kind: 'metrics', ...name, metricSetId, ...content };
}

export function errorSnapshot(content: Content<ErrorSnapshot>): ErrorSnapshot {
  const { event, errorKind, message, occurrences } = content;
  return {
    kind: 'error',
    ...nameContent('error', event, errorKind, message, occurrences),
    ...content,
  };
}

/** The snapshot of a report that was partly dropped. */
export function withDropped<S extends Snapshot>(snapshot: S, dropped: readonly string[]): S {
  if (dropped.length === 0) return snapshot;
  return { ...snapshot, ...nameContent(snapshot.contentId, dropped), dropped };
}

/** What an installation reports about itself in addition to its readings. Null if it is not sent. */
export interface InstallationDescription {
  version: string | null;
  variant: string | null;
  provider: string | null;
  platform: string | null;
  source: string | null;
  customerKey: string | null;
  licenseId: string | null;
}

/** The user of a UI, as keyed hashes that differ between installations. */
export interface UiVisitor {
  /** Null if no user was logged in. */
  userKey: string | null;
  /** Identifies the browser. */
  visitorKey: string | null;
}

/** The content of one understood event. */
export interface ReportContent {
  snapshot: Snapshot;
  resources?: ResourceFigures;
  visitor?: UiVisitor;
  consent?: Consent;
}

/** The result of reading an event's properties. */
export interface ReadEvent {
  /** Null if nothing is usable; `empty` if the event has no content. */
  content: ReportContent | null | 'empty';
  defects: Understood<unknown>['defects'];
  /** The names of properties that were partly or wholly dropped. */
  dropped?: readonly string[];
}

/** Reads an event's properties. */
export type EventReader = (properties: Properties, envelope: EventEnvelope) => ReadEvent;

/** The kinds of report and their numbers in the database. Never renumber them. */
export const reportKinds = {
  health: 1,
  mesos_track: 2,
  package_list: 3,
  ui: 4,
  usage: 5,
  error: 6,
  metrics: 7,
} as const;
export type ReportKind = keyof typeof reportKinds;

/** A kind of event of a product: how it is read, and which of its text may be kept. */
export interface EventKind {
  kind: ReportKind;
  read: EventReader;
  /** Whether it describes its installation. The latest such event counts. */
  describes: boolean;
  /** The consent that it declares. */
  consent?: Consent;
  keepText: TextRule;
  /** Whether a property is read. Its name and numbers are kept unchanged. */
  knows: (key: string) => boolean;
  /** Whether a property is ignored. */
  ignores(key: string, value: unknown): boolean;
}

/** A product's events: how each is read, and how its installations describe themselves. */
export interface Product {
  product: string;
  /** Whose id PostHog's web SDK sends. Default: the user's. */
  browserDistinctId?: BrowserDistinctId;
  /** Null if the product has no such event. */
  find(event: string): EventKind | null;
  /** Whether an event that is not stored may be kept under its name. */
  keepsName(event: string): boolean;
  /** The unit of an event's metric; null if none is declared. */
  unitOf(event: string, metric: string): string | null;
  describe(
    properties: Properties,
    envelopeVersion: string | undefined,
  ): Understood<InstallationDescription>;
}
