import { words } from './words.js';

const MAX_READ = 2000;
const MAX_KEPT = 500;

const label = String.raw`[\p{L}\p{N}_-]+`;

/** What may stand in a message, in the order in which it is looked for. */
const PATTERN = new RegExp(
  [
    // Quoted literals; an apostrophe within a word opens none.
    String.raw`(?<text>"[^"\n]*"|` +
      '`[^`\\n]*`|' +
      String.raw`“[^”\n]*”|‘[^’\n]*’|«[^»\n]*»|(?<![\p{L}\p{N}])'[^'\n]*'(?![\p{L}\p{N}]))`,
    String.raw`(?<url>(?:\p{L}[\p{L}\p{N}+.-]*:\/\/|www\.|mailto:|arn:|urn:)\S+)`,
    String.raw`(?<email>[^\s<>"'(),;:]+@[^\s<>"'(),;]+)`,
    String.raw`(?<path>\p{L}:\\\S*|\\\\\S+|(?:~|\.{1,2})?\/[^\s:,;()'"]+|${label}(?:\/[^\s:,;()'"/]+)+\/?)`,
    String.raw`(?<mac>(?<![\p{L}\p{N}])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![\p{L}\p{N}]))`,
    String.raw`(?<ip>(?<![\p{L}\p{N}:])(?:[0-9A-Fa-f]{0,4}:){2,8}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4})(?:%\w+)?(?:\/\d+)?(?![\p{L}\p{N}:])|(?<!\p{N})(?:\d{1,3}\.){3}\d{1,3}(?!\p{N})(?:\/\d+)?)`,
    String.raw`(?<number>[+-]?\d+(?:[.,_' -]\d+)*%?(?![\p{L}\p{N}_]))`,
    String.raw`(?<name>${label}(?:\.${label})+)`,
    String.raw`(?<word>[\p{L}\p{N}_$][\p{L}\p{M}\p{N}_$'’-]*)`,
    String.raw`(?<mark>[\s.,:;!?()[\]{}<>=+*/%&|^#-])`,
    String.raw`(?<other>.)`,
  ].join('|'),
  'gsu',
);

/**
 * A message as far as it says nothing of anybody: quoted literals, addresses, hosts, paths and numbers
 * become what they are (`<text>`, `<email>`, `<number>`), and of all other words only those of a fixed
 * vocabulary stay. So a name that nobody foresaw cannot stay either, and messages that differ in
 * their details become the same.
 */
export function scrubMessage(message: string): string {
  const scrubbed = message
    .slice(0, MAX_READ)
    .toWellFormed()
    .replace(PATTERN, (...match) => replacement(match.at(-1) as Record<string, string | undefined>))
    .replace(/\s+/g, ' ')
    .replace(/(<[a-z]+>)(?: ?\1)+/g, '$1')
    .trim();
  // Not in the middle of a placeholder.
  return scrubbed
    .slice(0, MAX_KEPT)
    .replace(/<[a-z]*$/, '')
    .trimEnd();
}

function replacement(found: Record<string, string | undefined>): string {
  const [kind = 'other', text = ''] =
    Object.entries(found).find(([, value]) => value !== undefined) ?? [];
  if (kind === 'mark') return text;
  if (kind === 'other') return ' ';
  if (kind === 'word') return isKnown(text) ? text : '<word>';
  if (kind === 'name') return text.split('.').every(isKnown) ? text : '<name>';
  return `<${kind}>`;
}

const PARTS = /[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g;

/** Whether every part of a word, a CamelCase or a snake_case name is in the vocabulary. */
function isKnown(word: string): boolean {
  const parts = word.match(PARTS) ?? [];
  if (parts.join('') !== word.replace(/[_'’-]/g, '')) return false;
  return (
    parts.length > 0 && parts.every((part) => part.length === 1 || words.has(part.toLowerCase()))
  );
}
