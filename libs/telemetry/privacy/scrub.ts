import { splitMessage, type Part } from './message-parts.js';
import { words } from './words.js';

const MAX_READ = 2000;
const MAX_KEPT = 500;

/** A message without identifying text, and the number of characters cut off. */
export interface ScrubbedMessage {
  text: string;
  /** In UTF-16 units; 0 if the message is complete. */
  leftOut: number;
}

/**
 * Removes identifying text from a message. Quoted literals, addresses, hosts, paths and numbers become placeholders
 * (`<text>`, `<email>`, `<number>`), and of other words only a fixed vocabulary is kept. So unforeseen names cannot
 * remain, and messages that differ only in details become equal.
 */
export function scrubMessage(message: string): ScrubbedMessage {
  const read = message.slice(0, MAX_READ).toWellFormed();
  let replaced = '';
  for (const part of splitMessage(read)) replaced += replacement(part);
  const scrubbed = replaced
    .replace(/\s+/g, ' ')
    .replace(/(<[a-z]+>)(?: ?\1)+/g, '$1')
    .trim();
  // Do not cut within a placeholder.
  const text = scrubbed
    .slice(0, MAX_KEPT)
    .replace(/<[a-z]*$/, '')
    .trimEnd();
  return { text, leftOut: message.length - read.length + scrubbed.length - text.length };
}

function replacement({ kind, text }: Part): string {
  if (kind === 'mark') return text;
  if (kind === 'other') return ' ';
  if (kind === 'word') return isKnown(text) ? text : '<word>';
  if (kind === 'name') return text.split('.').every(isKnown) ? text : '<name>';
  return `<${kind}>`;
}

/** Whether every part of a word, a CamelCase or a snake_case name is in the vocabulary. */
function isKnown(word: string): boolean {
  const spaced = word.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/([A-Z])([A-Z][a-z])/g, '$1 $2');
  const parts = spaced.match(/[A-Za-z]+/g) ?? [];
  if (parts.join('') !== word.replace(/[_'’-]/g, '')) return false;
  return (
    parts.length > 0 && parts.every((part) => part.length === 1 || words.has(part.toLowerCase()))
  );
}
