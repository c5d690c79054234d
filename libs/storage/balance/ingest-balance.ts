import type { Database } from '../database/database.js';
import { storeAcknowledged, storeRefusals, storeUnconfirmed, type Announced } from './announced.js';
import {
  takeNewLosses,
  foldOldHours,
  readAcknowledged,
  updateBalance,
  type LostEvents,
  type Queued,
} from './comparison.js';

/** Stores what ingest processes counted, and compares it with what workers took from the queue. */
export class IngestBalance {
  constructor(private readonly database: Database) {}

  /** Stores the announced counts. Counts only grow, so storing them again changes nothing. */
  async store(announced: readonly Announced[]): Promise<void> {
    await this.database.transaction(async (tx) => {
      await storeAcknowledged(tx, announced);
      await storeUnconfirmed(tx, announced);
      await storeRefusals(tx, announced);
    });
  }

  /**
   * Compares acknowledged events with accepted and queued ones. May run on several workers at once.
   * @param readQueue reads what is queued when it is called, or later; called only if events are missing
   * @returns hours with more lost events than reported before; each finding is returned once
   */
  async compare(readQueue: () => Promise<readonly Queued[]>): Promise<LostEvents[]> {
    const acknowledged = await readAcknowledged(this.database);
    const isMissing = acknowledged.some(({ has_deficit }) => has_deficit);
    const queued = isMissing ? await readQueue() : [];
    await updateBalance(this.database, acknowledged, queued);
    return takeNewLosses(this.database);
  }

  /** Removes the per-process counts of settled hours that are days old; their sums stay. */
  async fold(): Promise<void> {
    await this.database.transaction(foldOldHours);
  }

  /** Lost events of the last days by product, for metrics. */
  async lostByProduct(): Promise<{ product: string; lost: number }[]> {
    const { rows } = await this.database.query<{ product: string; lost: string }>(
      `SELECT product, sum(lost) AS lost FROM ingest_expected
        WHERE hour > now() - interval '7 days' GROUP BY product`,
    );
    return rows.map(({ product, lost }) => ({ product, lost: Number(lost) }));
  }
}
