import { isName } from '../privacy/identifying.js';
import { safeKey } from '../privacy/keys.js';
import { mostUnder } from '../privacy/number-names.js';
import { isRedacted } from '../privacy/redact.js';
import { asFigure } from '../readings.js';
import { isObject } from '../vocabulary.js';
import type { MetricDeclaration } from './declaration.js';
import { OTHER, type Figures } from './figures.js';
import { mostOf } from './plausible.js';

const MAX_DEPTH = 3;

/** Whether a text is a type of this metric. */
export function isTypeOf({ types }: MetricDeclaration, text: string): boolean {
  return types ? types.includes(text) : isName(text);
}

/** Reads a number for each type, a list of types, or one number for all. */
export function readCounts(
  metric: MetricDeclaration,
  raw: unknown,
  path: string,
  into: Figures,
): void {
  if (Array.isArray(raw)) {
    for (const type of into.atMost(raw as unknown[], path)) {
      if (isRedacted(type)) into.dropped.add(path);
      else if (typeof type === 'string') addType(metric, type, path, into);
      else into.defects.push({ path, reason: 'not_text' });
    }
  } else if (isRedacted(raw)) into.dropped.add(path);
  else if (isObject(raw)) {
    readTypes(metric, raw, { path, prefix: '', depth: 1, most: Infinity }, into);
  } else if (typeof raw === 'string') addType(metric, raw, path, into);
  else {
    const reading = asFigure(raw, mostOf(metric));
    if ('value' in reading) into.add(metric.name, '', reading.value);
    else into.defects.push({ path, reason: reading.defect });
  }
}

interface Place {
  path: string;
  /** The types around, as the beginning of a dimension. */
  prefix: string;
  depth: number;
  /** The largest number here that identifies nobody, by the names on the way. */
  most: number;
}

/** The sender chooses the names of types, so each number passes the same gate as an undeclared one. */
function readTypes(
  metric: MetricDeclaration,
  types: Record<string, unknown>,
  { path, prefix, depth, most }: Place,
  into: Figures,
): void {
  for (const [type, value] of into.entriesOf(types, path)) {
    const name = prefix + typeOf(metric, type, path, into);
    const place = `${path}.${safeKey(type)}`;
    const isDeclared = metric.types?.includes(type) ?? false;
    const mostHere = isDeclared ? most : Math.min(most, mostUnder(type));
    if (value === null) continue;
    if (isObject(value) && !isRedacted(value) && depth < MAX_DEPTH) {
      const inner = { path: place, prefix: `${name}/`, depth: depth + 1, most: mostHere };
      readTypes(metric, value, inner, into);
      continue;
    }
    const reading = asFigure(value, mostOf(metric));
    if ('defect' in reading) into.defects.push({ path: place, reason: reading.defect });
    else if (reading.value > mostHere) into.dropped.add(place);
    else into.add(metric.name, name, reading.value);
  }
}

/** A type that is a text is none of the names that developers give: only its length is noted. */
function addType(metric: MetricDeclaration, type: string, path: string, into: Figures): void {
  const isType = isTypeOf(metric, type);
  if (!isType) into.dropped.add(`${path}.[${type.length}]`);
  into.add(metric.name, isType ? type : OTHER, 1);
}

/** The type under which a figure is kept; one that must not be kept is noted, and counts as `*`. */
function typeOf(metric: MetricDeclaration, type: string, path: string, into: Figures): string {
  if (isTypeOf(metric, type)) return type;
  into.dropped.add(`${path}.${safeKey(type)}`);
  return OTHER;
}
