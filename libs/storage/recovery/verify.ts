import { setTimeout as sleep } from 'node:timers/promises';
import { checkChain, type Chain } from '../ledger/chain.js';
import type { LedgerComparison } from './comparison.js';
import { BEGINNING, keysById } from '../ledger/entry.js';
import { ErasureLedger, type LedgerOptions } from '../ledger/ledger.js';
import { reconcile, type LedgerFault, type Reconciliation } from './reconcile.js';
import { planRepair } from '../ledger/repair.js';

/** One copy of the ledger as it was found. */
export interface CopyReport {
  copy: 'redis' | 'file';
  /** Its entries up to the first fault. */
  entries: number;
  fault: LedgerFault | null;
}

export interface LedgerVerification extends Reconciliation {
  copies: CopyReport[];
  /** Whether the copies are equal. */
  agree: boolean;
  /** Whether an entry is missing, altered or in the wrong place somewhere. */
  isDamaged: boolean;
}

export interface VerifyOptions extends Omit<LedgerOptions, 'onRepair'> {
  comparison: LedgerComparison;
  isDryRun: boolean;
  /** Accepts a ledger that lacks entries that the database has seen. */
  acceptsLoss: boolean;
}

/** About 20 ms of work, after which the event loop gets a turn. */
const LINES_AT_ONCE = 200;
/** A worker writes to one copy shortly before the other, so a difference is confirmed after this pause. */
const SECOND_LOOK_MS = 1000;

/**
 * Checks the signature of every entry in both copies, and compares the database with them. Unless it is a dry run,
 * repairs the copies and reapplies what the database lacks. Copies with an entry of an unknown key are not repaired.
 */
export async function verifyLedger(options: VerifyOptions): Promise<LedgerVerification> {
  const { comparison, isDryRun, acceptsLoss } = options;
  let found = await inspect(options);
  if (!found.agree && found.copies.every(({ fault }) => !fault)) {
    await sleep(SECOND_LOOK_MS);
    found = await inspect(options);
  }
  const { copies, agree, best } = found;
  const thorough = { isThorough: true, isDryRun };
  if (isDryRun || best.fault) {
    const read = () => Promise.resolve(best);
    const result = await reconcile(best.head, { read, comparison }, thorough);
    return { ...result, copies, agree, isDamaged: isDamaged(copies, agree, result) };
  }
  const ledger = new ErasureLedger(options);
  const head = await ledger.synchronise();
  const read = () => ledger.read(BEGINNING);
  const result = await reconcile(head, { read, comparison }, { ...thorough, acceptsLoss });
  if (acceptsLoss) await comparison.recordUnrecorded((records) => ledger.append(records));
  return { ...result, copies, agree, isDamaged: isDamaged(copies, agree, result) };
}

async function inspect({ list, file, key, formerKeys = [] }: VerifyOptions) {
  const keys = keysById([key, ...formerKeys]);
  const inRedis = await list.read();
  const inFile = file ? await file.read() : inRedis;
  const copies: CopyReport[] = [{ copy: 'redis', ...(await checkEach(inRedis, keys)) }];
  if (file) copies.push({ copy: 'file', ...(await checkEach(inFile, keys)) });
  const { lines, unknownKey } = planRepair(inRedis, inFile, { keys });
  const best = { ...checkChain(lines, { keys, signatures: 'last' }), fault: unknownKey };
  return { copies, best, agree: inRedis.join('\n') === inFile.join('\n') };
}

async function checkEach(lines: readonly string[], keys: ReturnType<typeof keysById>) {
  let chain: Chain = { entries: [], head: BEGINNING, fault: null };
  for (let start = 0; start < lines.length && !chain.fault; start += LINES_AT_ONCE) {
    const part = lines.slice(start, start + LINES_AT_ONCE);
    chain = checkChain(part, { keys, after: chain.head, signatures: 'each' });
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { entries: chain.head.sequence, fault: chain.fault };
}

function isDamaged(copies: readonly CopyReport[], agree: boolean, { fault }: Reconciliation) {
  return !agree || fault !== null || copies.some((copy) => copy.fault !== null);
}
