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

/** What is to be done with one copy of the ledger. */
export interface CopyRepair {
  /** `add`: it lacks the last lines. `replace`: it holds what does not belong to the chain. */
  action: 'keep' | 'add' | 'replace';
  fault: ChainFault | null;
  /** How many of its entries stay as they are. */
  kept: number;
}

export interface Repair {
  /** The longest valid chain. */
  lines: readonly string[];
  redis: CopyRepair;
  file: CopyRepair;
  /** Validly signed entries of either copy that have no place in the chain. They are appended to it again. */
  again: readonly LedgerRecord[];
  /** An entry outside the chain whose key is unknown here. It may be genuine, so nothing may be repaired. */
  unknownKey: ChainFault | null;
}

/** A line that can be read, and its hash. */
interface Read {
  line: string;
  hash: string;
  entry: LedgerEntry;
}

/**
 * Finds how two copies become one: the longest valid chain is kept, and each copy is brought in line with
 * it. Nothing that is validly signed is lost.
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
  /** Those up to the first fault. */
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

function linesOutside(chain: readonly string[], ...copies: (readonly string[])[]): Read[] {
  const others = copies.flatMap((lines) => lines.slice(commonLength(chain, lines)));
  const known = new Set(chain);
  return [...new Set(others)].flatMap((line) => {
    const entry = known.has(line) ? null : readLine(line);
    return entry ? [{ line, hash: hashOfLine(line), entry }] : [];
  });
}

/** Continues a chain with entries that follow its end, behind a fault or in the other copy. */
function continued(chain: readonly string[], signed: readonly Read[]): readonly string[] {
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
 * The records of signed entries that a chain does not hold. A record remembers its former places only if all
 * entries before them are in the chain as well: a database that has followed up to such a place lacks nothing.
 */
function recordsOutside(chain: readonly string[], signed: readonly Read[]): LedgerRecord[] {
  if (signed.length === 0) return [];
  const held = new Held();
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

/** What a chain holds, and what is about to be appended to it. */
class Held {
  /** The hashes of places. */
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
const placeOf = ({ entry, hash }: Omit<Read, 'line'>): LedgerPlace => ({
  sequence: entry.sequence,
  hash,
});

function commonLength(one: readonly string[], other: readonly string[]): number {
  const end = Math.min(one.length, other.length);
  for (let at = 0; at < end; at += 1) if (one[at] !== other[at]) return at;
  return end;
}
