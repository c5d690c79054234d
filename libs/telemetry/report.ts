import { contentId } from './identity.js';
import type { Properties, Understood } from './vocabulary.js';

/**
 * What the reports of a kind say, each in its own canonical order so that equal contents have equal
 * ids. The arrays of a snapshot run in parallel: the nth unit has the nth total.
 */
export type Snapshot = HealthSnapshot | PackageSnapshot | FrameworkSnapshot | UiSnapshot;

export interface HealthSnapshot {
  kind: 'health';
  id: string;
  unitSetId: string;
  units: string[];
  unitTypes: string[];
  totals: number[];
  unhealthy: number[];
}

export interface PackageSnapshot {
  kind: 'packages';
  id: string;
  packages: string[];
  /** Empty where the agent named no version. */
  versions: string[];
  instances: number[];
}

export interface FrameworkSnapshot {
  kind: 'frameworks';
  id: string;
  frameworks: string[];
  instances: number[];
}

export interface UiSnapshot {
  kind: 'ui';
  id: string;
  action: UiAction;
  /** Empty where the agent gave none. */
  path: string;
  appVersion: string;
}

export type UiAction = 'page_view' | 'login' | 'logout' | 'identify';

type Content<S extends Snapshot> = S extends Snapshot
  ? Omit<S, 'kind' | 'id' | 'unitSetId'>
  : never;

export function healthSnapshot(content: Content<HealthSnapshot>): HealthSnapshot {
  const { units, totals, unhealthy } = content;
  const unitSetId = contentId('units', units);
  const id = contentId('health', unitSetId, totals, unhealthy);
  return { kind: 'health', id, unitSetId, ...content };
}

export function packageSnapshot(content: Content<PackageSnapshot>): PackageSnapshot {
  const { packages, versions, instances } = content;
  return { kind: 'packages', id: contentId('packages', packages, versions, instances), ...content };
}

export function frameworkSnapshot(content: Content<FrameworkSnapshot>): FrameworkSnapshot {
  const { frameworks, instances } = content;
  return { kind: 'frameworks', id: contentId('frameworks', frameworks, instances), ...content };
}

export function uiSnapshot(content: Content<UiSnapshot>): UiSnapshot {
  const { action, path, appVersion } = content;
  return { kind: 'ui', id: contentId('ui', action, path, appVersion), ...content };
}

/** A cluster's figures in one report. A figure that the agent did not give is null. */
export interface ResourceFigures {
  cpuTotal: number | null;
  cpuUsed: number | null;
  memTotalMb: number | null;
  memUsedMb: number | null;
  diskTotalMb: number | null;
  diskUsedMb: number | null;
  agentsActive: number | null;
  agentsConnected: number | null;
  taskCount: number | null;
  frameworkCount: number | null;
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

/** The content of one understood event. */
export interface ReportContent {
  snapshot: Snapshot;
  resources?: ResourceFigures;
}

/** Reads an event's properties. Content is null where nothing of them can be used. */
export type EventReader = (properties: Properties) => Understood<ReportContent | null>;

/** The kinds of report and the numbers that stand for them in the database. Never renumbered. */
export const reportKinds = {
  health: 1,
  mesos_track: 2,
  package_list: 3,
  ui: 4,
} as const;
export type ReportKind = keyof typeof reportKinds;

/** A product's events: how each is read, and how its installations describe themselves. */
export interface ProductDeclaration {
  product: string;
  events: Readonly<Record<string, { kind: ReportKind; read: EventReader }>>;
  /** Null where the event says nothing of the installation itself. */
  describe(
    kind: ReportKind,
    properties: Properties,
  ): Understood<Omit<InstallationDescription, 'version'>> | null;
  /** The product's version: what the properties name, else what the envelope does. */
  versionOf(properties: Properties, envelopeVersion: string | undefined): string | null;
}
