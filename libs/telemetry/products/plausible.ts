import { MAX_COUNT } from '../readings.js';
import type { MetricDeclaration, MetricKind } from './declaration.js';

/** The latest plausible date, in seconds since 1970: the year 2100. */
const LATEST_DATE = 4_102_444_800;

/**
 * The largest plausible value of each kind: far above that of any installation, and far below what programs write for
 * "no limit", because one such number would make the mean of a fleet useless.
 */
const MAX_BY_KIND: Record<MetricKind, number> = {
  count: MAX_COUNT,
  counts: 1e12,
  ratio: 1e6,
  bytes: 2 ** 60,
  duration: 1e10,
  flag: 1,
  date: LATEST_DATE,
};

/** For `counts`, `ratio` and `duration`, the unit determines the maximum. */
const MAX_BY_UNIT: Readonly<Record<string, number>> = {
  By: 2 ** 60,
  s: 1e10,
  ms: 1e13,
  percent: 1e6,
};

/** Undeclared numbers have no unit, so the maximum is the largest integer that JSON numbers represent exactly. */
export const MAX_UNDECLARED = Number.MAX_SAFE_INTEGER;

/** The largest plausible value of a machine's resources, by declared unit. */
export const MAX_BY_RESOURCE_UNIT = { bytes: 2 ** 60, cores: 1e7, percent: 1e6 } as const;

/** The largest plausible value of a metric. */
export function maxFor({ kind, unit, most }: MetricDeclaration): number {
  const isMeasured = kind === 'counts' || kind === 'ratio' || kind === 'duration';
  const byUnit = Object.hasOwn(MAX_BY_UNIT, unit) ? MAX_BY_UNIT[unit] : undefined;
  return most ?? (isMeasured ? byUnit : undefined) ?? MAX_BY_KIND[kind];
}
