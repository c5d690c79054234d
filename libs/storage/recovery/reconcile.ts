import type { ChainFault, Chain } from '../ledger/chain.js';
import type { ComparisonOptions, Forgotten, LedgerComparison } from './comparison.js';
import { BEGINNING, formerPlaces, type LedgerEntry, type LedgerPlace } from '../ledger/entry.js';
import { erasuresIn } from '../ledger/remembered-erasures.js';

/** A fault of the chain, or a ledger that lacks entries that the database has seen. */
export interface LedgerFault {
  reason: ChainFault['reason'] | 'truncated' | 'other_chain';
  /** The first affected entry. */
  sequence: number;
}

export interface Reconciliation {
  /** The last entry of the ledger. */
  head: LedgerPlace;
  /** The last entry that the database had followed. */
  database: LedgerPlace;
  fault: LedgerFault | null;
  forgotten: Forgotten;
}

export interface ReconcileOptions extends ComparisonOptions {
  /** Accepts a ledger that lacks entries that the database has seen. */
  acceptsLoss?: boolean;
}

type Read = (after?: LedgerPlace) => Promise<Chain>;

/**
 * Brings a database in line with the ledger. If the database is up to date, this reads one row. Otherwise it reads the
 * entries after the database's place, or the whole ledger if that place is not in the chain.
 */
export async function reconcile(
  head: LedgerPlace,
  { read, comparison }: { read: Read; comparison: LedgerComparison },
  options: ReconcileOptions = { isThorough: false, isDryRun: false },
): Promise<Reconciliation> {
  const database = await comparison.place();
  if (!options.isThorough && isSame(database, head)) {
    return { head, database, fault: null, forgotten: NOTHING };
  }
  const { chain, fault } = await readSince(database, { read, ...options });
  const erasures = erasuresIn(chain.entries);
  const forgotten = await comparison.apply(erasures, options);
  if (fault && options.acceptsLoss) await comparison.acceptLoss(chain.entries);
  if ((!fault || options.acceptsLoss) && !options.isDryRun) {
    await comparison.moveTo(chain.head, erasures);
  }
  return { head: chain.head, database, fault, forgotten };
}

const NOTHING: Forgotten = { erasures: [], suppressions: 0, lifts: 0, reappeared: 0 };

async function readSince(
  place: LedgerPlace,
  { read, isThorough }: { read: Read; isThorough: boolean },
): Promise<{ chain: Chain; fault: LedgerFault | null }> {
  if (!isThorough && place.sequence > 0) {
    const chain = await read(place);
    if (!chain.fault && chain.entries.length > 0) return { chain, fault: null };
  }
  const chain = await read(BEGINNING);
  if (chain.fault) return { chain, fault: chain.fault };
  return { chain, fault: isIn(chain, place) ? null : faultOf(chain, place) };
}

/** A place in an abandoned branch counts as well, because its entries were appended again. */
function isIn({ entries, head }: Chain, { sequence, hash }: LedgerPlace): boolean {
  if (sequence === 0 || isSame(head, { sequence, hash })) return true;
  return entries.some(
    (entry: LedgerEntry) =>
      (entry.sequence === sequence + 1 && entry.previousHash === hash) ||
      formerPlaces(entry).some((place) => place.hash === hash),
  );
}

function faultOf({ head }: Chain, { sequence }: LedgerPlace): LedgerFault {
  if (head.sequence < sequence) return { reason: 'truncated', sequence: head.sequence + 1 };
  return { reason: 'other_chain', sequence };
}

function isSame(one: LedgerPlace, other: LedgerPlace): boolean {
  return one.sequence === other.sequence && one.hash === other.hash;
}
