import type { KeyObject } from 'node:crypto';
import {
  BEGINNING,
  hashOfLine,
  isSigned,
  readLine,
  type LedgerEntry,
  type LedgerPlace,
} from './entry.js';

/** Why a chain is not valid up to its last line. */
export const chainFaults = [
  'unreadable',
  'missing',
  'reordered',
  'altered',
  'unknown_key',
] as const;

export interface ChainFault {
  reason: (typeof chainFaults)[number];
  /** The first invalid or missing entry. */
  sequence: number;
}

export interface Chain {
  /** The entries before the first fault. */
  entries: readonly LedgerEntry[];
  /** The place of the last of these. */
  head: LedgerPlace;
  fault: ChainFault | null;
}

export interface ChainCheck {
  keys: ReadonlyMap<string, KeyObject>;
  /** The place before the first line; by default the beginning of the chain. */
  after?: LedgerPlace;
  /**
   * Checks each signature (about 0.1 ms) or only the last one. An entry is signed together with the hash of its
   * predecessor, so the last signature covers all entries, but does not show which one was altered.
   */
  signatures: 'each' | 'last';
}

/** Checks consecutive lines. */
export function checkChain(lines: readonly string[], check: ChainCheck): Chain {
  const { keys, after = BEGINNING, signatures } = check;
  const entries: LedgerEntry[] = [];
  const heads: LedgerPlace[] = [after];
  let fault: ChainFault | null = null;
  for (const line of lines) {
    const head = heads.at(-1) ?? after;
    const entry = readLine(line);
    const reason = faultOf(entry, head) ?? (signatures === 'each' ? unsigned(entry, keys) : null);
    if (reason !== null) {
      fault = { reason, sequence: head.sequence + 1 };
      break;
    }
    entries.push(entry as LedgerEntry);
    heads.push({ sequence: head.sequence + 1, hash: hashOfLine(line) });
  }
  // Drops entries from the end until one has a valid signature, which covers all before it.
  for (let last = entries.at(-1); last && signatures === 'last'; last = entries.at(-1)) {
    const reason = unsigned(last, keys);
    if (reason === null) break;
    fault = { reason, sequence: last.sequence };
    entries.pop();
    heads.pop();
  }
  return { entries, head: heads.at(-1) ?? after, fault };
}

function faultOf(entry: LedgerEntry | null, head: LedgerPlace): ChainFault['reason'] | null {
  if (!entry) return 'unreadable';
  if (entry.sequence > head.sequence + 1) return 'missing';
  if (entry.sequence < head.sequence + 1) return 'reordered';
  return entry.previousHash === head.hash ? null : 'altered';
}

function unsigned(entry: LedgerEntry | null, keys: ReadonlyMap<string, KeyObject>) {
  if (!entry || isSigned(entry, keys)) return null;
  return keys.has(entry.keyId) ? 'altered' : 'unknown_key';
}
