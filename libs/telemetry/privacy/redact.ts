import type { Properties } from '../vocabulary.js';
import { isObject } from '../vocabulary.js';
import { isNotFinite } from '../readings.js';
import { safeKey } from './keys.js';
import { maxAnonymous } from './number-names.js';

/** Replaces text that must not be kept: its length in UTF-16 units. */
export interface Redacted {
  $length: number;
}

/**
 * Returns the part of a text that may be kept, or null. The path is that of the text in the properties, with `[]` for
 * list items: `package_list[].name`.
 */
export type TextRule = (path: string, text: string) => string | null;

/** Clients may send such an object too. Then it is treated as text, so its number is not stored. */
export function isRedacted(value: unknown): value is Redacted {
  const length = isObject(value) && Object.keys(value).length === 1 ? value.$length : undefined;
  return typeof length === 'number' && length >= 0;
}

/** A longer text has this length. With five digits, the length cannot be an identifying number that a client sent. */
const MAX_LENGTH = 99_999;

function redacted(length: number): Redacted {
  return { $length: Math.min(Math.floor(length), MAX_LENGTH) };
}

/** Rules for the parts of an event that may be kept. */
export interface KeepRules {
  keepText: TextRule;
  /** Whether a property is read. Its name and numbers are kept unchanged. */
  knows: (key: string) => boolean;
}

/**
 * Replaces text that no rule keeps by its length, which no reader mistakes for text or a number. Numbers are kept, so
 * that a replay can restore them.
 */
export function redact(properties: Properties, { keepText, knows }: KeepRules): Properties {
  return redactObject(properties, { path: '', max: Infinity }, keepText, knows);
}

/** No rule has a longer path. Senders choose keys, and copying long paths for every value would be quadratic. */
const MAX_PATH = 1000;
const BEYOND = '…';

/** The path of a value in an event, and the largest number there that is not identifying, by the names in the path. */
interface Place {
  /** Empty for the properties themselves; `…` beyond the maximum length. */
  path: string;
  max: number;
}

function redactObject(
  object: object,
  { path, max }: Place,
  keepText: TextRule,
  knows: KeepRules['knows'],
): Properties {
  const result: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  const suffixes = new Map<string, number>();
  for (const [key, value] of Object.entries(object)) {
    const isKnown = path === '' && knows(key);
    const place = {
      path: pathOf(path, key),
      max: isKnown ? Infinity : Math.min(max, maxAnonymous(key)),
    };
    const name = uniqueName(isKnown ? key : safeKey(key), result, suffixes);
    result[name] = redactValue(value, place, keepText);
  }
  return result;
}

function pathOf(parent: string, key: string): string {
  if (parent === BEYOND || parent.length + key.length > MAX_PATH) return BEYOND;
  return parent === '' ? key : `${parent}.${key}`;
}

function redactValue(value: unknown, place: Place, keepText: TextRule): unknown {
  if (typeof value === 'string') {
    const kept = keepText(place.path, value);
    return kept ?? (isNotFinite(value) ? value : redacted(value.length));
  }
  if (typeof value === 'number') {
    return Math.abs(value) <= place.max ? value : redacted(`${value}`.length);
  }
  if (Array.isArray(value)) {
    const items = { ...place, path: `${place.path}[]` };
    return value.map((item) => redactValue(item, items, keepText));
  }
  if (isRedacted(value)) return redacted(value.$length);
  return isObject(value) ? redactObject(value, place, keepText, () => false) : value;
}

/**
 * Two keys may have the same safe form; both keep their values. Remembers the next suffix of each name, because to
 * count from the beginning for every key would be quadratic.
 */
function uniqueName(name: string, taken: object, suffixes: Map<string, number>): string {
  if (!Object.hasOwn(taken, name)) return name;
  let suffix = suffixes.get(name) ?? 2;
  while (Object.hasOwn(taken, `${name}~${suffix}`)) suffix += 1;
  suffixes.set(name, suffix + 1);
  return `${name}~${suffix}`;
}

/** Whether a value contains any text, redacted or not. */
export function containsText(value: unknown): boolean {
  if (typeof value === 'string') return value !== '' && !isNotFinite(value);
  if (typeof value !== 'object' || value === null) return false;
  if (isRedacted(value)) return value.$length > 0;
  return Object.values(value).some(containsText);
}

/** Whether a value contains any text, number or flag, redacted or not. */
export function containsValue(value: unknown): boolean {
  if (typeof value === 'string') return value !== '';
  if (typeof value !== 'object') return value !== undefined;
  if (value === null) return false;
  if (isRedacted(value)) return value.$length > 0;
  return Object.values(value).some(containsValue);
}
