import type pg from 'pg';
import { takeOutOfDaySums } from './day-sums.js';
import { lockRollups } from './refresh.js';

/** The tables whose rows refreshes make, and that know installations. */
export const rollupTables = [
  'installation_day',
  'installation_day_events',
  'installation_latest',
  'installation_life',
  'installation_upgrade',
];

/**
 * Takes installations out of the sums of all their days. In the same transaction their rows are to go from
 * `rollupTables`; their reports must be gone, or a refresh would read them again. Afterwards `refreshStale`
 * sums up anew what no part could be taken out of.
 */
export async function takeOutOfSums(
  tx: pg.ClientBase,
  installationIds: readonly string[],
): Promise<void> {
  await lockRollups(tx);
  await tx.query('SET LOCAL muster.sums_are_corrected = on');
  await takeOutOfDaySums(tx, installationIds);
}
