import { isName } from '../privacy/identifying.js';
import { safeKey } from '../privacy/keys.js';
import { maxAnonymous } from '../privacy/number-names.js';
import { isRedacted } from '../privacy/redact.js';
import { asNonNegativeNumber } from '../readings.js';
import { isObject } from '../vocabulary.js';
import type { MetricDeclaration } from './declaration.js';
import { OTHER, type MetricValues } from './metric-values.js';
import { maxFor } from './plausible.js';

const MAX_DEPTH = 3;

/** Whether a text is a type of this metric. */
export function isTypeOf({ types }: MetricDeclaration, text: string): boolean {
  return types ? types.includes(text) : isName(text);
}

/** Reads an object with a number per type, a list of types, or one number. */
export function readCounts(
  metric: MetricDeclaration,
  raw: unknown,
  path: string,
  into: MetricValues,
): void {
  if (Array.isArray(raw)) {
    for (const type of into.limit(raw as unknown[], path)) {
      if (isRedacted(type)) into.dropped.add(path);
      else if (typeof type === 'string') addType(metric, type, path, into);
      else into.defects.push({ path, reason: 'not_text' });
    }
  } else if (isRedacted(raw)) into.dropped.add(path);
  else if (isObject(raw)) {
    readTypes(metric, raw, { path, prefix: '', depth: 1, max: Infinity }, into);
  } else if (typeof raw === 'string') addType(metric, raw, path, into);
  else {
    const reading = asNonNegativeNumber(raw, maxFor(metric));
    if ('value' in reading) into.add(metric.name, '', reading.value);
    else into.defects.push({ path, reason: reading.defect });
  }
}

interface Place {
  path: string;
  /** The outer types, as the beginning of the dimension. */
  prefix: string;
  depth: number;
  /** The largest number here that is not identifying, by the names in the path. */
  max: number;
}

/** The sender chooses the names of types, so each number passes the same gate as an undeclared one. */
function readTypes(
  metric: MetricDeclaration,
  types: Record<string, unknown>,
  { path, prefix, depth, max }: Place,
  into: MetricValues,
): void {
  for (const [type, value] of into.limitEntries(types, path)) {
    const name = prefix + typeOf(metric, type, path, into);
    const place = `${path}.${safeKey(type)}`;
    const isDeclared = metric.types?.includes(type) ?? false;
    const maxHere = isDeclared ? max : Math.min(max, maxAnonymous(type));
    if (value === null) continue;
    if (isObject(value) && !isRedacted(value) && depth < MAX_DEPTH) {
      const inner = { path: place, prefix: `${name}/`, depth: depth + 1, max: maxHere };
      readTypes(metric, value, inner, into);
      continue;
    }
    const reading = asNonNegativeNumber(value, maxFor(metric));
    if ('defect' in reading) into.defects.push({ path: place, reason: reading.defect });
    else if (reading.value > maxHere) into.dropped.add(place);
    else into.add(metric.name, name, reading.value);
  }
}

/** Free text does not qualify as a type name, so only its length is recorded. */
function addType(metric: MetricDeclaration, type: string, path: string, into: MetricValues): void {
  const isType = isTypeOf(metric, type);
  if (!isType) into.dropped.add(`${path}.[${type.length}]`);
  into.add(metric.name, isType ? type : OTHER, 1);
}

/** The type under which a value is kept: `*` if its name must not be kept, which is recorded. */
function typeOf(metric: MetricDeclaration, type: string, path: string, into: MetricValues): string {
  if (isTypeOf(metric, type)) return type;
  into.dropped.add(`${path}.${safeKey(type)}`);
  return OTHER;
}
