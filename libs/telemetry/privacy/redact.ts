import type { Properties } from '../vocabulary.js';
import { isObject } from '../vocabulary.js';
import { isNotFinite } from '../readings.js';
import { safeKey } from './keys.js';
import { mostUnder } from './number-names.js';

/** What stands in the place of a text that is not kept: its length in UTF-16 units. */
export interface Redacted {
  $length: number;
}

/**
 * What may be kept of a text of an event, or null. The path is the text's place in the properties,
 * with `[]` for the place in a list: `package_list[].name`.
 */
export type TextRule = (path: string, text: string) => string | null;

export function isRedacted(value: unknown): value is Redacted {
  // Anybody may send such an object: no text is longer than any event.
  const length = isObject(value) && Object.keys(value).length === 1 ? value.$length : undefined;
  return typeof length === 'number' && length >= 0 && length <= MAX_LENGTH;
}

const MAX_LENGTH = 1_000_000;

/** What may be kept of an event. */
export interface KeepRules {
  keepText: TextRule;
  /** Whether a property is one that is read: its name and its figures are kept as they are. */
  knows: (key: string) => boolean;
}

/**
 * Properties of which only what the rule keeps is left of text. Figures stay, so that a replay can
 * restore them; a text becomes its length, which no reader takes for text or for a figure.
 */
export function redact(properties: Properties, { keepText, knows }: KeepRules): Properties {
  return redactObject(properties, { path: '', most: Infinity }, keepText, knows);
}

/** Where in an event a value stands, and up to where a number there is nobody's, by the names on the way. */
interface Place {
  path: string;
  most: number;
}

function redactObject(
  object: object,
  { path, most }: Place,
  keepText: TextRule,
  knows: KeepRules['knows'],
): Properties {
  const redacted: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of Object.entries(object)) {
    const isKnown = path === '' && knows(key);
    const place = {
      path: path === '' ? key : `${path}.${key}`,
      most: isKnown ? Infinity : Math.min(most, mostUnder(key)),
    };
    const name = freeName(isKnown ? key : safeKey(key), redacted);
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
    return Math.abs(value) <= place.most ? value : { $length: `${value}`.length };
  }
  if (Array.isArray(value)) {
    const items = { ...place, path: `${place.path}[]` };
    return value.map((item) => redactValue(item, items, keepText));
  }
  if (isRedacted(value)) return value;
  return isObject(value) ? redactObject(value, place, keepText, () => false) : value;
}

/** Two keys may have the same safe form; both keep their figures. */
function freeName(name: string, taken: object): string {
  if (!Object.hasOwn(taken, name)) return name;
  for (let number = 2; ; number += 1) {
    if (!Object.hasOwn(taken, `${name}~${number}`)) return `${name}~${number}`;
  }
}

/** Whether there is any text in a value, be it redacted already. */
export function holdsText(value: unknown): boolean {
  if (typeof value === 'string') return value !== '' && !isNotFinite(value);
  if (typeof value !== 'object' || value === null) return false;
  if (isRedacted(value)) return value.$length > 0;
  return Object.values(value).some(holdsText);
}
