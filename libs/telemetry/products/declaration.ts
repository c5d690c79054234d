/**
 * A product, declared: which events its installations send, what is read of each, and what it means.
 * Validation, storage, the views, their comments and the docs follow from it. Muster's own products
 * are declared like this, and those of others in JSON files of the same form; see
 * docs/add-a-product.md.
 */
export interface ProductDeclaration {
  /** As the write key names it: lower-case letters, digits, `_` and `-`. */
  product: string;
  about: string;
  events: Readonly<Record<string, EventDeclaration>>;
  /** How often installations report, and when one that does not counts as silent. 3 days when not given. */
  cadence?: Cadence;
  /** What becomes of events that are not declared: agents get newer. `usage` when not given. */
  unknownEvents?: 'usage' | 'quarantined';
  /**
   * Which property tells what of the installation. `version` is `version` when not given.
   * `licenseSha1` must be the SHA-1 digest of a licence's serial number, and nothing else is taken.
   */
  installation?: Partial<Record<InstallationField, string>>;
  /** Names of properties that hold something of the sender's, with one `*`: `node_count_*.` */
  collapse?: readonly string[];
  /** Properties that are of no use, whatever they hold; `*` at the end stands for anything. */
  ignore?: readonly string[];
}

/** `event`: whenever something happens, and else not at all. */
export const reportIntervals = ['hour', 'day', 'event'] as const;

export interface Cadence {
  every: (typeof reportIntervals)[number];
  /** An installation of which nothing came for so many whole days (UTC) counts as silent. */
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
  /** Whether it describes the installation (version, platform, …): the latest such event counts. */
  describes?: boolean;
  metrics?: readonly MetricDeclaration[];
  /** The property that tells how it ended, and what each of its values means. */
  outcome?: { property: string; values: Readonly<Record<string, string>> };
  /** Figures that are resources of a machine as well. */
  resources?: Partial<Record<DeclaredResource, ResourceDeclaration>>;
  /** Of an error: where its parts stand. `list` is a list of errors of which the first one counts. */
  error?: { list?: string; kind?: string; message?: string; count?: string };
  /** What the event says of the installation's consent. */
  consent?: Consent;
}

export type Consent = 'opted_out' | 'opted_in';

export type DeclaredResource = 'cpuTotal' | 'cpuPercent' | 'memTotalMb' | 'memUsedMb';

/** A property in bytes, or as it is; less another one where that is given. */
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
 * - `ratio`, `bytes`, `duration`: a number from 0 up.
 * - `flag`: a boolean, stored as 0 or 1.
 * - `date`: an RFC 3339 date or time after 1970, stored in seconds since then.
 */
export type MetricKind = (typeof metricKinds)[number];

export interface MetricDeclaration {
  /** Its name in the database, and the property that holds it unless `property` says otherwise. */
  name: string;
  kind: MetricKind;
  /** `1` for counts, `s`, `By`, `percent`, … as in https://ucum.org; of ratios what they are of. */
  unit: string;
  about: string;
  /** The product's version in which it first appeared. */
  since?: string;
  property?: string;
  /** Of `counts`: the only types there are. Others are counted together, as `*`. */
  types?: readonly string[];
  /** The largest plausible figure, where the default of its kind and unit does not fit: see plausible.ts. */
  most?: number;
  /** 1 for each event; with `moreThan`, for those in which a property is above a limit. */
  perEvent?: true | { property: string; moreThan: number };
}
