import type pg from 'pg';
import { staysSuppressed } from '../erasure/stays-suppressed.js';

/** The ledger's latest decision on an installation's suppression. */
export interface Decision {
  hash: Buffer;
  requestedAt: string;
}

/** Later requests that the database knows, which override the ledger. */
const LATER = `
  SELECT FROM erasure_subject u JOIN erasure later USING (erasure_id)
   WHERE u.installation_hash = w.hash AND later.requested_at > w.requested_at`;

/** @returns the digests (base64url) of installations that a later request has unsuppressed */
export async function findLifted(
  tx: pg.ClientBase,
  decisions: readonly Decision[],
): Promise<ReadonlySet<string>> {
  const { rows } = await tx.query<{ hash: Buffer }>(
    `SELECT hash FROM unnest($1::bytea[], $2::timestamptz[]) AS w(hash, requested_at)
      WHERE EXISTS (${LATER} AND later.mode = 'lift')`,
    columnsOf(decisions),
  );
  return new Set(rows.map(({ hash }) => hash.toString('base64url')));
}

/** Restores missing suppressions. @returns the number of installations */
export async function suppressAgain(
  tx: pg.ClientBase,
  decisions: readonly Decision[],
): Promise<number> {
  const { rowCount } = await tx.query(
    `INSERT INTO suppression
     SELECT hash, now(), true FROM unnest($1::bytea[], $2::timestamptz[]) AS w(hash, requested_at)
      WHERE NOT EXISTS (${LATER} AND later.mode = 'lift')
      ORDER BY hash
     ON CONFLICT (installation_hash) DO UPDATE SET is_lasting = true
      WHERE NOT suppression.is_lasting`,
    columnsOf(decisions),
  );
  return rowCount ?? 0;
}

/** Ends suppressions that should have ended. @returns the number of installations */
export async function unsuppressAgain(
  tx: pg.ClientBase,
  decisions: readonly Decision[],
): Promise<number> {
  const { rowCount } = await tx.query(
    `DELETE FROM suppression s
      USING unnest($1::bytea[], $2::timestamptz[]) AS w(hash, requested_at)
      WHERE s.installation_hash = w.hash
        AND NOT EXISTS (${LATER} AND ${staysSuppressed('later', 'w.hash')})`,
    columnsOf(decisions),
  );
  return rowCount ?? 0;
}

function columnsOf(decisions: readonly Decision[]) {
  return [decisions.map(({ hash }) => hash), decisions.map(({ requestedAt }) => requestedAt)];
}
