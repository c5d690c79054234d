import type { KeyObject } from 'node:crypto';
import { checkChain, type ChainCheck, type ChainFault } from './chain.js';
import {
  BEGINNING,
  formerPlaces,
  hashOfLine,
  isSigned,
  readLine,
  type LedgerEntry,
  type LedgerPlace,
  type LedgerRecord,
} from './entry.js';

/** The repair of one copy of the ledger. */
export interface CopyRepair {
  /** `add`: the copy lacks the last lines. `replace`: it contains lines outside the chain. */
  action: 'keep' | 'add' | 'replace';
  fault: ChainFault | null;
  /** Number of leading entries that stay. */
  kept: number;
}

export interface Repair {
  /** The longest valid chain. */
  lines: readonly string[];
  redis: CopyRepair;
  file: CopyRepair;
  /** Validly signed entries outside the chain, to be appended to it again. */
  again: readonly LedgerRecord[];
  /** An entry outside the chain with an unknown key. It may be genuine, so nothing may be repaired. */
  unknownKey: ChainFault | null;
}

interface ParsedLine {
  line: string;
  hash: string;
  entry: LedgerEntry;
}

/**
 * Plans how to make two copies equal: both become the longest valid chain. No validly signed entry is lost.
 */
export function planRepair(
  redis: readonly string[],
  file: readonly string[],
  { keys }: Pick<ChainCheck, 'keys'>,
): Repair {
  const [ofRedis, ofFile] = [check(redis, keys), check(file, keys)];
  const longest = ofRedis.valid.length >= ofFile.valid.length ? ofRedis.valid : ofFile.valid;
  const others = linesOutside(longest, redis, file);
  const unknown = others.find(({ entry }) => !keys.has(entry.keyId));
  const signed = others.filter(({ entry }) => isSigned(entry, keys));
  const lines = continued(longest, signed);
  return {
    ...{ lines, redis: repairOf(ofRedis, lines), file: repairOf(ofFile, lines) },
    again: recordsOutside(lines, signed),
    unknownKey: unknown ? { reason: 'unknown_key', sequence: unknown.entry.sequence } : null,
  };
}

interface Checked {
  lines: readonly string[];
  /** The lines before the first fault. */
  valid: readonly string[];
  fault: ChainFault | null;
}

function check(lines: readonly string[], keys: ReadonlyMap<string, KeyObject>): Checked {
  const { entries, fault } = checkChain(lines, { keys, signatures: 'last' });
  return { lines, valid: lines.slice(0, entries.length), fault };
}

function repairOf({ lines, fault }: Checked, chain: readonly string[]): CopyRepair {
  const kept = commonLength(chain, lines);
  if (kept < lines.length) return { action: 'replace', fault, kept };
  return { action: kept < chain.length ? 'add' : 'keep', fault, kept };
}

function linesOutside(chain: readonly string[], ...copies: (readonly string[])[]): ParsedLine[] {
  const others = copies.flatMap((lines) => lines.slice(commonLength(chain, lines)));
  const known = new Set(chain);
  return [...new Set(others)].flatMap((line) => {
    const entry = known.has(line) ? null : readLine(line);
    return entry ? [{ line, hash: hashOfLine(line), entry }] : [];
  });
}

/** Extends a chain by entries that follow its end, after a fault or in the other copy. */
function continued(chain: readonly string[], signed: readonly ParsedLine[]): readonly string[] {
  const lines = [...chain];
  const following = new Map(signed.map((it) => [it.entry.previousHash, it]));
  let next = following.get(chain.length > 0 ? hashOfLine(chain.at(-1) as string) : BEGINNING.hash);
  while (next?.entry.sequence === lines.length + 1) {
    lines.push(next.line);
    next = following.get(next.hash);
  }
  return lines;
}

/**
 * The records of signed entries outside a chain. A record keeps its former places only if the chain contains all
 * entries before them; a database that has followed up to such a place then lacks nothing.
 */
function recordsOutside(chain: readonly string[], signed: readonly ParsedLine[]): LedgerRecord[] {
  if (signed.length === 0) return [];
  const held = new HeldEntries();
  for (const line of chain) {
    const entry = readLine(line);
    if (entry)
      held.add(entry, [...formerPlaces(entry), placeOf({ entry, hash: hashOfLine(line) })]);
  }
  return signed.flatMap((read): LedgerRecord[] => {
    const { entry, hash } = read;
    const isComplete = held.places.has(entry.previousHash);
    if (held.places.has(hash) || (!isComplete && held.hasAsMuch(entry))) return [];
    const formerly = isComplete ? [...formerPlaces(entry), placeOf(read)] : [];
    held.add(entry, formerly);
    const { kind, erasureId, mode, requestedAt, at, installations } = entry;
    return [{ kind, erasureId, mode, requestedAt, at, installations, formerly }];
  });
}

/** The entries of a chain and those that will be appended to it. */
class HeldEntries {
  /** Their hashes, including former places. */
  readonly places = new Set([BEGINNING.hash]);
  readonly #contents = new Set<string>();

  add(entry: LedgerEntry, places: readonly LedgerPlace[]): void {
    for (const { hash } of places) this.places.add(hash);
    this.#contents.add(contentOf(entry));
  }

  hasAsMuch(entry: LedgerEntry): boolean {
    return this.#contents.has(contentOf(entry));
  }
}

const contentOf = ({ kind, erasureId }: LedgerEntry) => `${kind} ${erasureId}`;
const placeOf = ({ entry, hash }: Omit<ParsedLine, 'line'>): LedgerPlace => ({
  sequence: entry.sequence,
  hash,
});

function commonLength(one: readonly string[], other: readonly string[]): number {
  const end = Math.min(one.length, other.length);
  for (let at = 0; at < end; at += 1) if (one[at] !== other[at]) return at;
  return end;
}
