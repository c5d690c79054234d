import type { ContentName } from './identity.js';
import { contentId, nameContent } from './identity.js';
import type { EventEnvelope } from './envelope.js';
import type { TextRule } from './privacy/redact.js';
import type { Consent } from './products/declaration.js';
import type { Properties, Understood } from './vocabulary.js';

/**
 * What the reports of a kind say, each in its own canonical order so that equal contents have equal
 * ids. The arrays of a snapshot run in parallel: the nth unit has the nth total.
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
  /** The names of properties whose text was left out, in order. Absent where there are none. */
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
  /** Empty where the agent named no version. */
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
  /** Empty where the agent gave none. */
  path: string;
  appVersion: string;
}

/** The figures of a usage event or of a report of metrics. */
export interface MetricSnapshot extends SnapshotBase {
  kind: 'metrics';
  metricSetId: string;
  event: string;
  /** How it ended; empty where that says nothing. */
  outcome: string;
  /** Whether the event describes its installation. */
  describes: boolean;
  metrics: string[];
  /** Empty where a metric has one figure only. */
  dimensions: string[];
  figures: number[];
}

export interface ErrorSnapshot extends SnapshotBase {
  kind: 'error';
  event: string;
  /** The class of the error; empty where the agent gave none. */
  errorKind: string;
  /** 64 bits of a hash of event, kind and message, in hex. */
  fingerprint: string;
  /** Scrubbed. */
  message: string;
  /** How many errors the report stands for. */
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

/** The same snapshot of a report in which some text was left out. */
export function withDropped<S extends Snapshot>(snapshot: S, dropped: readonly string[]): S {
  if (dropped.length === 0) return snapshot;
  return { ...snapshot, ...nameContent(snapshot.contentId, dropped), dropped };
}

/** A cluster's figures in one report. A figure that the agent did not give is null. */
export interface ResourceFigures {
  cpuTotal: number | null;
  cpuUsed: number | null;
  /** CPU in use on average, in percent of the whole machine. */
  cpuPercent: number | null;
  memTotalMb: number | null;
  memUsedMb: number | null;
  diskTotalMb: number | null;
  diskUsedMb: number | null;
  agentsActive: number | null;
  agentsConnected: number | null;
  taskCount: number | null;
  frameworkCount: number | null;
}

export function noResources(): ResourceFigures {
  return {
    cpuTotal: null,
    cpuUsed: null,
    cpuPercent: null,
    memTotalMb: null,
    memUsedMb: null,
    diskTotalMb: null,
    diskUsedMb: null,
    agentsActive: null,
    agentsConnected: null,
    taskCount: null,
    frameworkCount: null,
  };
}

/** What an installation says of itself beside its readings. Null where it says nothing. */
export interface InstallationDescription {
  version: string | null;
  variant: string | null;
  provider: string | null;
  platform: string | null;
  source: string | null;
  customerKey: string | null;
  licenseId: string | null;
}

/** Who used a UI, as keyed hashes that mean nothing in another installation. */
export interface UiVisitor {
  /** Null where nobody was logged in. */
  userKey: string | null;
  /** The browser's. */
  visitorKey: string | null;
}

/** The content of one understood event. */
export interface ReportContent {
  snapshot: Snapshot;
  resources?: ResourceFigures;
  visitor?: UiVisitor;
  consent?: Consent;
}

/** What a reader made of an event's properties. */
export interface ReadEvent {
  /** Null where nothing can be used; `empty` where there is nothing. */
  content: ReportContent | null | 'empty';
  defects: Understood<unknown>['defects'];
  /** The names of properties whose text was left out. */
  dropped?: readonly string[];
}

/** Reads an event's properties. */
export type EventReader = (properties: Properties, envelope: EventEnvelope) => ReadEvent;

/** The kinds of report and the numbers that stand for them in the database. Never renumbered. */
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

/** A kind of event of a product: how it is read, and what of its text may be kept. */
export interface EventKind {
  kind: ReportKind;
  read: EventReader;
  /** Whether it describes its installation: of such events, the latest one counts. */
  describes: boolean;
  keepText: TextRule;
  /** Whether a property is one that is read: its name and its figures are kept as they are. */
  knows: (key: string) => boolean;
  /** Whether a property is of no use, whatever it holds. */
  ignores(key: string, value: unknown): boolean;
}

/** A product's events: how each is read, and how its installations describe themselves. */
export interface Product {
  product: string;
  /** Null where the product has no such event. */
  find(event: string): EventKind | null;
  /** The unit of an event's metric; null where none is declared. */
  unitOf(event: string, metric: string): string | null;
  describe(
    properties: Properties,
    envelopeVersion: string | undefined,
  ): Understood<InstallationDescription>;
}
