import type pg from 'pg';
import { subtractFromDaySums } from './day-sums.js';
import { claimRollups } from './lock.js';

/** The tables with rows per installation that a refresh writes. */
export const rollupTables = [
  'installation_day',
  'installation_day_events',
  'installation_latest',
  'installation_life',
  'installation_upgrade',
];

/**
 * Settings for a transaction that looks up a few installations by key. Without statistics the planner would scan the
 * days of the whole fleet for each group of them.
 */
export const BY_KEY =
  'SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off';

/**
 * Subtracts installations from the sums of all their days. The same transaction must remove their rows from
 * `rollupTables`, and their reports must be gone, or a refresh would read them again. Call `refreshStale` afterwards to
 * recompute the sums that do not allow subtraction.
 */
export async function subtractFromSums(
  tx: pg.ClientBase,
  installationIds: readonly string[],
): Promise<void> {
  await claimRollups(tx);
  await tx.query(`SET LOCAL muster.sums_are_corrected = on; ${BY_KEY}`);
  await subtractFromDaySums(tx, installationIds);
}
