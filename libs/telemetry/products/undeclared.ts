import { isName } from '../privacy/identifying.js';
import { safeKey } from '../privacy/keys.js';
import { maxAnonymous } from '../privacy/number-names.js';
import { containsText, isRedacted } from '../privacy/redact.js';
import { asNonNegativeNumber, isNotFinite, isPlausible } from '../readings.js';
import { isObject } from '../vocabulary.js';
import { OTHER, type MetricValues } from './metric-values.js';
import { MAX_UNDECLARED } from './plausible.js';

/** The metric and dimension under which a number is stored, its path, and the largest number that may be stored. */
interface Place {
  metric: string;
  dimension: string;
  path: string;
  max: number;
}

/** Reads an undeclared property. Numbers are stored under its name; text is never stored. */
export function readUndeclared(name: string, key: string, raw: unknown, into: MetricValues): void {
  if (name.startsWith('[')) {
    into.dropped.add(name);
    return;
  }
  if (isNotFinite(raw)) return recordNotFinite(raw, name, into);
  if (containsText(raw)) into.dropped.add(name);
  if (isRedacted(raw)) return;
  const max = maxAnonymous(key);
  if (isObject(raw)) return readObject(name, raw, max, into);
  if (Array.isArray(raw) && raw.length > 0) into.dropped.add(name);
  readValue(raw, { metric: name, dimension: '', path: name, max }, into);
}

/** Reads one level of types. Deeper values are dropped. */
function readObject(
  name: string,
  object: Record<string, unknown>,
  max: number,
  into: MetricValues,
): void {
  for (const [type, value] of into.limitEntries(object, name)) {
    const path = `${name}.${safeKey(type)}`;
    if (isNotFinite(value)) recordNotFinite(value, path, into);
    if (containsNumber(value)) into.dropped.add(path);
    if (typeof value !== 'number') continue;
    const dimension = isName(type) ? type : OTHER;
    readValue(
      value,
      { metric: name, dimension, path, max: Math.min(max, maxAnonymous(type)) },
      into,
    );
  }
}

function readValue(
  raw: unknown,
  { metric, dimension, path, max }: Place,
  into: MetricValues,
): void {
  if (typeof raw === 'boolean') into.add(metric, dimension, Number(raw));
  if (typeof raw !== 'number') return;
  if (!isPlausible(raw, MAX_UNDECLARED)) into.defects.push({ path, reason: 'out_of_range' });
  else if (Math.abs(raw) > max) into.dropped.add(path);
  else into.add(metric, dimension, raw);
}

function recordNotFinite(raw: unknown, path: string, into: MetricValues): void {
  const reading = asNonNegativeNumber(raw, MAX_UNDECLARED);
  if ('defect' in reading) into.defects.push({ path, reason: reading.defect });
}

/** Whether a value other than a number contains numbers or flags, which are not read. */
function containsNumber(value: unknown): boolean {
  if (typeof value === 'boolean') return true;
  if (typeof value !== 'object' || value === null || isRedacted(value)) return false;
  return Object.values(value).some((item) => typeof item !== 'string' && item !== null);
}
