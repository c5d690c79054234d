import { parseTimestamp } from '../clock.js';
import { safeKey } from '../privacy/keys.js';
import type { Reading } from '../readings.js';
import { asCount, asFigure } from '../readings.js';
import { readCounts } from './counts.js';
import type { MetricDeclaration, MetricKind } from './declaration.js';
import type { Figures } from './figures.js';
import { mostOf } from './plausible.js';

const DATE = /^\d{4}-\d\d-\d\d$/;
const BEGINS_WITH_DATE = /^\s*\d{4}-/;

/** Reads the property of a declared metric. `null` counts as absent: its collector had nothing. */
export function readDeclared(metric: MetricDeclaration, raw: unknown, into: Figures): void {
  if (raw === null) return;
  const path = safeKey(metric.property ?? metric.name);
  if (metric.kind === 'counts') return readCounts(metric, raw, path, into);
  const reading = readers[metric.kind](raw, mostOf(metric));
  if ('defect' in reading) into.defects.push({ path, reason: reading.defect });
  else into.add(metric.name, '', reading.value);
}

type Reader = (raw: unknown, most: number) => Reading<number>;

/** How a figure of each kind is read, for those kinds that have one figure only. */
export const readers: Record<Exclude<MetricKind, 'counts'>, Reader> = {
  count: asCount,
  ratio: asFigure,
  bytes: asFigure,
  duration: asFigure,
  flag: (raw) => {
    if (raw === true || raw === 1) return { value: 1 };
    return raw === false || raw === 0 ? { value: 0 } : { defect: 'not_a_flag' };
  },
  date: readDate,
};

/** Seconds since 1970. Go, .NET and others write the beginning of their time for "never". */
function readDate(raw: unknown, most: number): Reading<number> {
  // A number may be anything, also in text.
  if (typeof raw !== 'string' || !BEGINS_WITH_DATE.test(raw)) return { defect: 'not_a_timestamp' };
  const time = parseTimestamp(DATE.test(raw) ? `${raw}T00:00:00Z` : raw);
  if (time === null) return { defect: 'not_a_timestamp' };
  const seconds = Math.floor(time / 1000);
  return seconds <= 0 || seconds > most ? { defect: 'out_of_range' } : { value: seconds };
}
