import { contentId } from '../identity.js';
import { safeKey } from '../privacy/keys.js';
import { containsText, containsValue } from '../privacy/redact.js';
import { scrubMessage } from '../privacy/scrub.js';
import { asToken } from '../privacy/tokens.js';
import { asCount } from '../readings.js';
import type { EventKind } from '../report.js';
import { errorSnapshot } from '../report.js';
import type { Defect, Properties } from '../vocabulary.js';
import { isObject } from '../vocabulary.js';
import type { ProductRules } from './rules.js';
import type { EventDeclaration } from './declaration.js';

/**
 * Reads an error: its kind, and its message without identifying text. The fingerprint is the same for the same event,
 * kind and message, across installations and versions.
 */
export function errorReader(
  { error = {} }: EventDeclaration,
  rules: ProductRules,
): Pick<EventKind, 'read' | 'knows' | 'ignores'> {
  const parts = error.list ? [error.list] : [error.kind, error.message];
  const known = new Set([...rules.descriptive, error.count, ...parts]);
  const ignores = (key: string) => !known.has(key);
  const contains = (key: string, value: unknown) =>
    rules.isIgnored(key) ? containsText(value) : containsValue(value);
  return {
    knows: (key) => known.has(key),
    ignores,
    read(properties, { event }) {
      const reported = error.list ? firstOf(properties[error.list]) : properties;
      const defects: Defect[] = [];
      const errorKind = readKind(reported, error.kind, defects);
      const text = error.message === undefined ? undefined : reported[error.message];
      const { text: message, leftOut } = scrubMessage(typeof text === 'string' ? text : '');
      if (leftOut > 0) {
        defects.push({ path: safeKey(error.message ?? ''), reason: 'too_long', leftOut });
      }
      const occurrences = readCount(properties, error.count, defects);
      const fingerprint = fingerprintOf(event, errorKind, message);
      const dropped = Object.keys(properties)
        .filter((key) => ignores(key) && contains(key, properties[key]))
        .map((key) => safeKey(key));
      if (error.list && hasMore(properties[error.list])) dropped.push(safeKey(error.list));
      const snapshot = errorSnapshot({ event, errorKind, fingerprint, message, occurrences });
      return { content: { snapshot }, defects, dropped: [...new Set(dropped)].sort() };
    },
  };
}

/** 64 bits in hex. */
function fingerprintOf(event: string, errorKind: string, message: string): string {
  return contentId('error', event, errorKind, message).replaceAll('-', '').slice(0, 16);
}

function firstOf(list: unknown): Properties {
  const first: unknown = Array.isArray(list) ? list[0] : undefined;
  return isObject(first) ? first : {};
}

/** Only the first error of a list is stored. */
function hasMore(list: unknown): boolean {
  return Array.isArray(list) && list.length > 1;
}

function readKind(reported: Properties, key: string | undefined, defects: Defect[]): string {
  const raw = key === undefined ? undefined : reported[key];
  if (raw === undefined || raw === null || raw === '') return '';
  const kind = asToken(raw);
  if (kind === null) {
    const reason = typeof raw === 'string' ? 'malformed' : 'not_text';
    defects.push({ path: safeKey(key ?? ''), reason });
  }
  return kind ?? '';
}

function readCount(properties: Properties, key: string | undefined, defects: Defect[]): number {
  const raw = key === undefined ? undefined : properties[key];
  if (key === undefined || raw === undefined || raw === null) return 1;
  const count = asCount(raw);
  if ('defect' in count) defects.push({ path: safeKey(key), reason: count.defect });
  return 'defect' in count ? 1 : count.value;
}
