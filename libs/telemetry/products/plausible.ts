import { MAX_COUNT } from '../readings.js';
import type { MetricDeclaration, MetricKind } from './declaration.js';

/** The latest date that is believed, in seconds since 1970: the year 2100. */
const LATEST_DATE = 4_102_444_800;

/**
 * The largest plausible figure of each kind. It is far above what an installation can have, and far below
 * what programs write for "no limit": one such number would make the mean of a fleet worthless.
 */
const MOST_BY_KIND: Record<MetricKind, number> = {
  count: MAX_COUNT,
  counts: 1e12,
  ratio: 1e6,
  bytes: 2 ** 60,
  duration: 1e10,
  flag: 1,
  date: LATEST_DATE,
};

/** For `counts`, `ratio` and `duration` the unit says more than the kind. */
const MOST_BY_UNIT: Readonly<Record<string, number>> = {
  By: 2 ** 60,
  s: 1e10,
  ms: 1e13,
  percent: 1e6,
};

/** Undeclared numbers have no unit: up to the largest whole number that a JSON number holds exactly. */
export const MOST_UNDECLARED = Number.MAX_SAFE_INTEGER;

/** The largest plausible figure of a machine's resources, by the unit that is declared. */
export const MOST_OF_RESOURCE = { bytes: 2 ** 60, cores: 1e7, percent: 1e6 } as const;

/** The largest plausible figure of a metric. */
export function mostOf({ kind, unit, most }: MetricDeclaration): number {
  const isMeasured = kind === 'counts' || kind === 'ratio' || kind === 'duration';
  const byUnit = Object.hasOwn(MOST_BY_UNIT, unit) ? MOST_BY_UNIT[unit] : undefined;
  return most ?? (isMeasured ? byUnit : undefined) ?? MOST_BY_KIND[kind];
}
