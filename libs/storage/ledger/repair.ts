import { hashOfLine, readLine, type LedgerPlace, type LedgerRecord } from './entry.js';
import { checkChain, type ChainCheck, type ChainFault } from './chain.js';

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
  /** Entries of the other branch where the copies fork: signed as well, so they are appended again. */
  again: readonly LedgerRecord[];
}

/**
 * Finds how two copies become one: the longest valid chain is kept, and each copy is brought in line with
 * it. Nothing that is validly signed is lost.
 */
export function planRepair(
  redis: readonly string[],
  file: readonly string[],
  check: Pick<ChainCheck, 'keys'>,
): Repair {
  const checked = [redis, file].map((lines) => {
    const { entries, fault } = checkChain(lines, { ...check, signatures: 'last' });
    return { lines: lines.slice(0, entries.length), total: lines.length, fault };
  });
  const [ofRedis, ofFile] = checked as [(typeof checked)[0], (typeof checked)[0]];
  const [winner, loser] =
    ofRedis.lines.length >= ofFile.lines.length ? [ofRedis, ofFile] : [ofFile, ofRedis];
  const common = commonLength(winner.lines, loser.lines);
  const repairOf = ({ lines, total, fault }: typeof winner): CopyRepair => {
    const kept = commonLength(winner.lines, lines);
    if (kept < total) return { action: 'replace', fault, kept };
    return { action: kept < winner.lines.length ? 'add' : 'keep', fault, kept };
  };
  return {
    lines: winner.lines,
    redis: repairOf(ofRedis),
    file: repairOf(ofFile),
    again: loser.lines.slice(common).flatMap(recordIn),
  };
}

function recordIn(line: string): LedgerRecord[] {
  const entry = readLine(line);
  if (!entry) return [];
  const { kind, erasureId, mode, requestedAt, installations, sequence } = entry;
  const formerly: LedgerPlace = entry.formerly ?? { sequence, hash: hashOfLine(line) };
  return [{ kind, erasureId, mode, requestedAt, installations, formerly }];
}

function commonLength(one: readonly string[], other: readonly string[]): number {
  const end = Math.min(one.length, other.length);
  for (let at = 0; at < end; at += 1) if (one[at] !== other[at]) return at;
  return end;
}
