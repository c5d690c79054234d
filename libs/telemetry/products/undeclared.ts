import { isName } from '../privacy/identifying.js';
import { safeKey } from '../privacy/keys.js';
import { mostUnder } from '../privacy/number-names.js';
import { holdsText, isRedacted } from '../privacy/redact.js';
import { asFigure, isNotFinite, isPlausible } from '../readings.js';
import { isObject } from '../vocabulary.js';
import { OTHER, type Figures } from './figures.js';
import { MOST_UNDECLARED } from './plausible.js';

/** Where a number is: the metric and dimension it is kept under, and the largest that may be kept there. */
interface Place {
  metric: string;
  dimension: string;
  path: string;
  most: number;
}

/** Reads an undeclared property: its figures are kept under its own name, text never. */
export function readUndeclared(name: string, key: string, raw: unknown, into: Figures): void {
  if (name.startsWith('[')) {
    into.dropped.add(name);
    return;
  }
  if (isNotFinite(raw)) return noteNotFinite(raw, name, into);
  if (holdsText(raw)) into.dropped.add(name);
  if (isRedacted(raw)) return;
  const most = mostUnder(key);
  if (isObject(raw)) return readObject(name, raw, most, into);
  if (Array.isArray(raw) && raw.length > 0) into.dropped.add(name);
  readValue(raw, { metric: name, dimension: '', path: name, most }, into);
}

/** One level of types; what is deeper is left out. */
function readObject(
  name: string,
  object: Record<string, unknown>,
  most: number,
  into: Figures,
): void {
  for (const [type, value] of into.entriesOf(object, name)) {
    const path = `${name}.${safeKey(type)}`;
    if (isNotFinite(value)) noteNotFinite(value, path, into);
    if (holdsFigure(value)) into.dropped.add(path);
    if (typeof value !== 'number') continue;
    const dimension = isName(type) ? type : OTHER;
    readValue(
      value,
      { metric: name, dimension, path, most: Math.min(most, mostUnder(type)) },
      into,
    );
  }
}

function readValue(raw: unknown, { metric, dimension, path, most }: Place, into: Figures): void {
  if (typeof raw === 'boolean') into.add(metric, dimension, Number(raw));
  if (typeof raw !== 'number') return;
  if (!isPlausible(raw, MOST_UNDECLARED)) into.defects.push({ path, reason: 'out_of_range' });
  else if (Math.abs(raw) > most) into.dropped.add(path);
  else into.add(metric, dimension, raw);
}

function noteNotFinite(raw: unknown, path: string, into: Figures): void {
  const reading = asFigure(raw, MOST_UNDECLARED);
  if ('defect' in reading) into.defects.push({ path, reason: reading.defect });
}

/** Whether a value other than a number has figures in it, which are not read there. */
function holdsFigure(value: unknown): boolean {
  if (typeof value === 'boolean') return true;
  if (typeof value !== 'object' || value === null || isRedacted(value)) return false;
  return Object.values(value).some((item) => typeof item !== 'string' && item !== null);
}
