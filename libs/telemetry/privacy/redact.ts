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

export function isRedacted(value: unknown): value is Redacted {
  // Clients may send such an object, so the length is checked: no text is longer than an event.
  const length = isObject(value) && Object.keys(value).length === 1 ? value.$length : undefined;
  return typeof length === 'number' && length >= 0 && length <= MAX_LENGTH;
}

const MAX_LENGTH = 1_000_000;

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

/** The path of a value in an event, and the largest number there that is not identifying, by the names in the path. */
interface Place {
  path: string;
  max: number;
}

function redactObject(
  object: object,
  { path, max }: Place,
  keepText: TextRule,
  knows: KeepRules['knows'],
): Properties {
  const redacted: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of Object.entries(object)) {
    const isKnown = path === '' && knows(key);
    const place = {
      path: path === '' ? key : `${path}.${key}`,
      max: isKnown ? Infinity : Math.min(max, maxAnonymous(key)),
    };
    const name = uniqueName(isKnown ? key : safeKey(key), redacted);
    redacted[name] = redactValue(value, place, keepText);
  }
  return redacted;
}

function redactValue(value: unknown, place: Place, keepText: TextRule): unknown {
  if (typeof value === 'string') {
    const kept = keepText(place.path, value);
    return kept ?? (isNotFinite(value) ? value : { $length: value.length });
  }
  if (typeof value === 'number') {
    return Math.abs(value) <= place.max ? value : { $length: `${value}`.length };
  }
  if (Array.isArray(value)) {
    const items = { ...place, path: `${place.path}[]` };
    return value.map((item) => redactValue(item, items, keepText));
  }
  if (isRedacted(value)) return value;
  return isObject(value) ? redactObject(value, place, keepText, () => false) : value;
}

/** Two keys may have the same safe form; both keep their values. */
function uniqueName(name: string, taken: object): string {
  if (!Object.hasOwn(taken, name)) return name;
  for (let number = 2; ; number += 1) {
    if (!Object.hasOwn(taken, `${name}~${number}`)) return `${name}~${number}`;
  }
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
