import type pg from 'pg';
import { staysSuppressed } from '../erasure/stays-suppressed.js';

/** What the ledger says last about an installation's suppression. */
export interface Word {
  hash: Buffer;
  requestedAt: string;
}

/** Requests that the database knows and that came later have the last word. */
const LATER = `
  SELECT FROM erasure_subject u JOIN erasure later USING (erasure_id)
   WHERE u.installation_hash = w.hash AND later.requested_at > w.requested_at`;

/** @returns the digests of those that a later request has lifted, in base64url */
export async function findLifted(
  tx: pg.ClientBase,
  words: readonly Word[],
): Promise<ReadonlySet<string>> {
  const { rows } = await tx.query<{ hash: Buffer }>(
    `SELECT hash FROM unnest($1::bytea[], $2::timestamptz[]) AS w(hash, requested_at)
      WHERE EXISTS (${LATER} AND later.mode = 'lift')`,
    columnsOf(words),
  );
  return new Set(rows.map(({ hash }) => hash.toString('base64url')));
}

/** Suppresses what is not suppressed any more. @returns how many installations */
export async function suppressAgain(tx: pg.ClientBase, words: readonly Word[]): Promise<number> {
  const { rowCount } = await tx.query(
    `INSERT INTO suppression
     SELECT hash, now(), true FROM unnest($1::bytea[], $2::timestamptz[]) AS w(hash, requested_at)
      WHERE NOT EXISTS (${LATER} AND later.mode = 'lift')
      ORDER BY hash
     ON CONFLICT (installation_hash) DO UPDATE SET is_lasting = true
      WHERE NOT suppression.is_lasting`,
    columnsOf(words),
  );
  return rowCount ?? 0;
}

/** Ends suppressions that were lifted. @returns how many installations */
export async function unsuppressAgain(tx: pg.ClientBase, words: readonly Word[]): Promise<number> {
  const { rowCount } = await tx.query(
    `DELETE FROM suppression s
      USING unnest($1::bytea[], $2::timestamptz[]) AS w(hash, requested_at)
      WHERE s.installation_hash = w.hash
        AND NOT EXISTS (${LATER} AND ${staysSuppressed('later', 'w.hash')})`,
    columnsOf(words),
  );
  return rowCount ?? 0;
}

function columnsOf(words: readonly Word[]) {
  return [words.map(({ hash }) => hash), words.map(({ requestedAt }) => requestedAt)];
}
