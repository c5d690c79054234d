import type { KeyObject } from 'node:crypto';
import {
  BEGINNING,
  hashOfLine,
  isSigned,
  readLine,
  type LedgerEntry,
  type LedgerPlace,
} from './entry.js';

/** Why a chain ends before its last line. */
export const chainFaults = [
  'unreadable',
  'missing',
  'reordered',
  'altered',
  'unknown_key',
] as const;

export interface ChainFault {
  reason: (typeof chainFaults)[number];
  /** The first entry that is not what was signed, or is missing. */
  sequence: number;
}

export interface Chain {
  /** The entries up to the first fault. */
  entries: readonly LedgerEntry[];
  /** The place of the last of them. */
  head: LedgerPlace;
  fault: ChainFault | null;
}

export interface ChainCheck {
  keys: ReadonlyMap<string, KeyObject>;
  /** The place that the first line follows: by default the beginning. */
  after?: LedgerPlace;
  /**
   * Each signature, at some 0.1 ms, or the last one only. Each entry is signed together with the hash of
   * the one before it, so the last signature vouches for all entries, but does not tell which was altered.
   */
  signatures: 'each' | 'last';
}

/** Checks lines that follow each other. */
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
  // What no later entry vouches for is vouched for by its own signature.
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
