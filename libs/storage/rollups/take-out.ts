import type pg from 'pg';
import { takeOutOfDaySums } from './day-sums.js';
import { claimRollups } from './lock.js';

/** The tables whose rows refreshes make, and that know installations. */
export const rollupTables = [
  'installation_day',
  'installation_day_events',
  'installation_latest',
  'installation_life',
  'installation_upgrade',
];

/**
 * For a transaction that looks up some installations of a fleet by their keys. Without statistics the planner would
 * read the whole fleet's days for each group of them.
 */
export const BY_KEY =
  'SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off';

/**
 * Subtracts installations from the sums of all their days. The same transaction must remove their rows from
 * `rollupTables`. Their reports must be gone, or a refresh would read them again. Afterwards `refreshStale` sums up
 * again what nothing could be subtracted from.
 */
export async function takeOutOfSums(
  tx: pg.ClientBase,
  installationIds: readonly string[],
): Promise<void> {
  await claimRollups(tx);
  await tx.query(`SET LOCAL muster.sums_are_corrected = on; ${BY_KEY}`);
  await takeOutOfDaySums(tx, installationIds);
}
