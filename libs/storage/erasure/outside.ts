import { DependencyFailed } from '../database/failure.js';
import { LedgerNotWritable } from '../ledger/ledger-file.js';

/** Waits for a part of an erasure that is done outside the database. @throws DependencyFailed */
export async function outside<T>(dependency: 'queue' | 'ledger', work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof LedgerNotWritable)
      throw new DependencyFailed('ledger_not_writable', { cause });
    throw new DependencyFailed(`${dependency}_unavailable`, { cause });
  }
}
