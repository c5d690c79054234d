import type { DeclaredResource } from '../resource-figures.js';

/**
 * The declaration of a product: the events that its installations send, what is read from each, and what it means.
 * Validation, storage, the views, their comments and the docs derive from it. Built-in products are declared in code,
 * others in JSON files of the same form; see docs/add-a-product.md.
 */
export interface ProductDeclaration {
  /** The name that write keys refer to: see `PRODUCT_NAME`. */
  product: string;
  about: string;
  events: Readonly<Record<string, EventDeclaration>>;
  /** How often installations report, and when one counts as silent. Default: after 3 days. */
  cadence?: Cadence;
  /** How undeclared events of newer agents are treated. Default: `usage`. */
  unknownEvents?: 'usage' | 'quarantined';
  /**
   * Whose id the product's web pages pass to `posthog.identify`. Default: the user's, so that their events have no
   * installation.
   */
  browserDistinctId?: BrowserDistinctId;
  /**
   * The properties that describe the installation. `version` defaults to `version`. `licenseSha1` must be the SHA-1
   * digest of a licence's serial number; other values are rejected.
   */
  installation?: Partial<Record<InstallationField, string>>;
  /** Patterns of property names that contain identifiers of the sender, with one `*`: `node_count_*.` */
  collapse?: readonly string[];
  /** Ignored properties; `*` at the end matches anything. */
  ignore?: readonly string[];
  /** The JSON Schema by which editors complete and check the file. Muster ignores it. */
  $schema?: string;
}

export type BrowserDistinctId = 'user' | 'installation';

/** `event`: only when something happens. */
export const reportIntervals = ['hour', 'day', 'event'] as const;

export interface Cadence {
  every: (typeof reportIntervals)[number];
  /** An installation that has sent nothing for this many whole days (UTC) counts as silent. */
  silentAfterDays: number;
}

export type InstallationField =
  'version' | 'variant' | 'provider' | 'platform' | 'source' | 'licenseSha1';

export interface EventDeclaration {
  about: string;
  /**
   * `metrics`: the state of an installation, as readings. `usage`: something that happened, with
   * counters. `error`: an error.
   */
  store: 'metrics' | 'usage' | 'error';
  /** Whether it describes the installation (version, platform, …). The latest such event counts. */
  describes?: boolean;
  metrics?: readonly MetricDeclaration[];
  /** The property with the outcome, and the meaning of each of its values. */
  outcome?: { property: string; values: Readonly<Record<string, string>> };
  /** Properties that are also resources of a machine. */
  resources?: Partial<Record<DeclaredResource, ResourceDeclaration>>;
  /** The properties of an error's parts. Only the first error of `list` counts. */
  error?: { list?: string; kind?: string; message?: string; count?: string };
  /** The consent that the event declares. */
  consent?: Consent;
}

export type Consent = 'opted_out' | 'opted_in';

/** The value of a property (bytes are converted to MB), minus another one if given. */
export interface ResourceDeclaration {
  property: string;
  minus?: string;
  unit: 'bytes' | 'cores' | 'percent';
}

export const metricKinds = [
  'count',
  'counts',
  'ratio',
  'bytes',
  'duration',
  'flag',
  'date',
] as const;

/**
 * - `count`: a whole number.
 * - `counts`: a number for each type, as an object, or a list of types; the type is the dimension.
 * - `ratio`, `bytes`, `duration`: a non-negative number.
 * - `flag`: a boolean, stored as 0 or 1.
 * - `date`: an RFC 3339 date or time after 1970, stored in seconds since then.
 */
export type MetricKind = (typeof metricKinds)[number];

export interface MetricDeclaration {
  /** The name in the database, and of the property unless `property` is given. */
  name: string;
  kind: MetricKind;
  /** `1` for counts, `s`, `By`, `percent`, … as in https://ucum.org; for ratios, the reference. */
  unit: string;
  about: string;
  /** The product's version in which it first appeared. */
  since?: string;
  property?: string;
  /** The allowed types of `counts`. Others are counted together as `*`. */
  types?: readonly string[];
  /** The largest plausible value, if the default of its kind and unit does not fit: see plausible.ts. */
  most?: number;
  /** 1 per event; with `moreThan`, only if a property exceeds a limit. */
  perEvent?: true | { property: string; moreThan: number };
}
