import { parseTimestamp } from '../clock.js';
import { safeKey } from '../privacy/keys.js';
import type { Reading } from '../readings.js';
import { asCount, asNonNegativeNumber } from '../readings.js';
import { readCounts } from './counts.js';
import type { MetricDeclaration, MetricKind } from './declaration.js';
import type { MetricValues } from './metric-values.js';
import { maxFor } from './plausible.js';

const DATE = /^\d{4}-\d\d-\d\d$/;
const BEGINS_WITH_DATE = /^\s*\d{4}-/;

/** Reads the property of a declared metric. `null` counts as missing: the collector had no value. */
export function readDeclared(metric: MetricDeclaration, raw: unknown, into: MetricValues): void {
  if (raw === null) return;
  const path = safeKey(metric.property ?? metric.name);
  if (metric.kind === 'counts') return readCounts(metric, raw, path, into);
  const reading = readers[metric.kind](raw, maxFor(metric));
  if ('defect' in reading) into.defects.push({ path, reason: reading.defect });
  else into.add(metric.name, '', reading.value);
}

type Reader = (raw: unknown, max: number) => Reading<number>;

/** Readers of the kinds that have a single value. */
export const readers: Record<Exclude<MetricKind, 'counts'>, Reader> = {
  count: asCount,
  ratio: asNonNegativeNumber,
  bytes: asNonNegativeNumber,
  duration: asNonNegativeNumber,
  flag: (raw) => {
    if (raw === true || raw === 1) return { value: 1 };
    return raw === false || raw === 0 ? { value: 0 } : { defect: 'not_a_flag' };
  },
  date: readDate,
};

/** Reads a date as seconds since 1970. Go, .NET and others write the beginning of their era for "never". */
function readDate(raw: unknown, max: number): Reading<number> {
  // A number could have any meaning, even as text.
  if (typeof raw !== 'string' || !BEGINS_WITH_DATE.test(raw)) return { defect: 'not_a_timestamp' };
  const time = parseTimestamp(DATE.test(raw) ? `${raw}T00:00:00Z` : raw);
  if (time === null) return { defect: 'not_a_timestamp' };
  const seconds = Math.floor(time / 1000);
  return seconds <= 0 || seconds > max ? { defect: 'out_of_range' } : { value: seconds };
}
