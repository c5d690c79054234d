import { parseTimestamp } from '../clock.js';
import { isName } from '../privacy/identifying.js';
import { mostUnder, safeKey } from '../privacy/keys.js';
import { holdsText, isRedacted } from '../privacy/redact.js';
import type { Reading } from '../readings.js';
import { asCount, asFigure, isNotFinite } from '../readings.js';
import type { Defect } from '../vocabulary.js';
import { isObject } from '../vocabulary.js';
import type { MetricDeclaration, MetricKind } from './declaration.js';

/** What a type becomes that has no name of its own here: its figures still count. */
export const OTHER = '*';

const MAX_TYPES = 1000;
const MAX_DEPTH = 3;
/** Neither a metric nor a dimension holds it. */
const SEPARATOR = '\u0000';
const DATE = /^\d{4}-\d\d-\d\d$/;
const BEGINS_WITH_DATE = /^\s*\d{4}-/;

/** The figures of one event, each under its metric and dimension; what is reported twice is added. */
export class Figures {
  readonly #figures = new Map<string, number>();
  readonly defects: Defect[] = [];
  /** The names of properties whose text was left out. */
  readonly dropped = new Set<string>();

  add(metric: string, dimension: string, value: number): void {
    const key = metric + SEPARATOR + dimension;
    const sum = (this.#figures.get(key) ?? 0) + value;
    this.#figures.set(key, Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, sum)));
  }

  get isEmpty(): boolean {
    return this.#figures.size === 0;
  }

  /** In canonical order, as columns. */
  columns(): { metrics: string[]; dimensions: string[]; figures: number[] } {
    const sorted = [...this.#figures].sort(([a], [b]) => (a < b ? -1 : 1));
    const split = sorted.map(([key]) => key.split(SEPARATOR) as [string, string]);
    return {
      metrics: split.map(([metric]) => metric),
      dimensions: split.map(([, dimension]) => dimension),
      figures: sorted.map(([, figure]) => figure),
    };
  }
}

/** Reads the property of a declared metric. `null` is as good as absent: its collector had nothing. */
export function readDeclared(metric: MetricDeclaration, raw: unknown, into: Figures): void {
  if (raw === null) return;
  const path = safeKey(metric.property ?? metric.name);
  if (metric.kind === 'counts') return readCounts(metric, raw, path, into);
  const reading = readers[metric.kind](raw);
  if ('defect' in reading) into.defects.push({ path, reason: reading.defect });
  else into.add(metric.name, '', reading.value);
}

/** Reads a property that nobody declared: its figures are kept under its own name, text never. */
export function readUndeclared(name: string, key: string, raw: unknown, into: Figures): void {
  const size = typeof raw === 'number' ? Math.abs(raw) : 0;
  const isUnsafe = name.startsWith('[') || size > mostUnder(key);
  if (!isUnsafe && isNotFinite(raw)) return noteNotFinite(raw, name, into);
  if (isUnsafe || holdsText(raw)) into.dropped.add(name);
  if (isUnsafe || isRedacted(raw)) return;
  if (typeof raw === 'boolean') into.add(name, '', Number(raw));
  else if (typeof raw === 'number') {
    if (Number.isFinite(raw)) into.add(name, '', raw);
  } else if (isObject(raw)) {
    for (const [type, value] of Object.entries(raw).slice(0, MAX_TYPES)) {
      if (isNotFinite(value)) noteNotFinite(value, `${name}.${safeKey(type)}`, into);
      else if (
        typeof value === 'number' &&
        Number.isFinite(value) &&
        Math.abs(value) <= mostUnder(type)
      ) {
        into.add(name, isName(type) ? type : OTHER, value);
      }
    }
  }
}

function noteNotFinite(raw: unknown, path: string, into: Figures): void {
  const reading = asFigure(raw);
  if ('defect' in reading) into.defects.push({ path, reason: reading.defect });
}

const readers: Record<Exclude<MetricKind, 'counts'>, (raw: unknown) => Reading<number>> = {
  count: asCount,
  ratio: asFigure,
  bytes: asFigure,
  duration: asFigure,
  flag: (raw) => {
    if (raw === true || raw === 1) return { value: 1 };
    return raw === false || raw === 0 ? { value: 0 } : { defect: 'not_a_flag' };
  },
  date: (raw) => {
    const time = parseDate(raw);
    return time === null ? { defect: 'not_a_timestamp' } : { value: Math.floor(time / 1000) };
  },
};

/** Whether a text is an RFC 3339 date or time. */
export function isDate(text: string): boolean {
  return parseDate(text) !== null;
}

function parseDate(raw: unknown): number | null {
  // A number may be anything, also in text.
  if (typeof raw !== 'string' || !BEGINS_WITH_DATE.test(raw)) return null;
  return parseTimestamp(DATE.test(raw) ? `${raw}T00:00:00Z` : raw);
}

/** A number for each type, a list of types, or one number for all. */
function readCounts(metric: MetricDeclaration, raw: unknown, path: string, into: Figures): void {
  if (Array.isArray(raw)) {
    for (const type of raw.slice(0, MAX_TYPES)) {
      if (isRedacted(type)) into.dropped.add(path);
      else if (typeof type === 'string') addType(metric, type, path, into);
      else into.defects.push({ path, reason: 'not_text' });
    }
  } else if (isRedacted(raw)) into.dropped.add(path);
  else if (isObject(raw)) readTypes(metric, raw, { path, prefix: '', depth: 1 }, into);
  else if (typeof raw === 'string') addType(metric, raw, path, into);
  else {
    const reading = asFigure(raw);
    if ('value' in reading) into.add(metric.name, '', reading.value);
    else into.defects.push({ path, reason: reading.defect });
  }
}

function readTypes(
  metric: MetricDeclaration,
  types: Record<string, unknown>,
  { path, prefix, depth }: { path: string; prefix: string; depth: number },
  into: Figures,
): void {
  for (const [type, value] of Object.entries(types).slice(0, MAX_TYPES)) {
    const name = prefix + typeOf(metric, type, path, into);
    const place = `${path}.${safeKey(type)}`;
    if (value === null) continue;
    if (isObject(value) && !isRedacted(value) && depth < MAX_DEPTH) {
      readTypes(metric, value, { path: place, prefix: `${name}/`, depth: depth + 1 }, into);
      continue;
    }
    const reading = asFigure(value);
    if ('value' in reading) into.add(metric.name, name, reading.value);
    else into.defects.push({ path: place, reason: reading.defect });
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

/** Whether a text is a type of this metric. */
export function isTypeOf({ types }: MetricDeclaration, text: string): boolean {
  return types ? types.includes(text) : isName(text);
}
