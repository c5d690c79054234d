import type pg from 'pg';
import type { InstallationHasher } from '../database/installation-hash.js';
import type { LedgerPlace, LedgerRecord } from '../ledger/entry.js';
import type { Erasure } from './erasure.js';

export interface RunContext {
  client: pg.ClientBase;
  hasher: InstallationHasher;
  /** Removes the installations' events from the queue; of some, only those received until a time. */
  emptyQueue: (
    installationIds: readonly string[],
    options: { receivedUntil: ReadonlyMap<string, number>; signal: AbortSignal | undefined },
  ) => Promise<void>;
  /** Appends to the ledger outside the database; resolves when it is durable, with the entries' places. */
  record: (records: readonly LedgerRecord[]) => Promise<LedgerPlace[]>;
  /** Whether Redis is about to rewrite its append-only file, so that a certificate may wait for it. */
  rewriteIsDue?: () => Promise<boolean>;
  /** Makes the signed certificate. */
  certify: (facts: ErasureFacts) => object;
  /** When it aborts, the worker leaves the rest to another. */
  stopping?: AbortSignal | undefined;
}

/** The facts that a certificate states. */
export interface ErasureFacts extends Omit<Erasure, 'state' | 'failure' | 'installations'> {
  installationIds: readonly string[];
}
