import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Queryable } from '../database/queryable.js';
import { queryRecords } from '../database/records.js';
import type { ErasureCertificate } from './certificate.js';
import { inStep } from '../database/claims.js';
import type { Group } from './claim.js';
import type { LogState } from './erasure.js';
import type { RunContext } from './context.js';

/** What became of the rewrite of Redis' append-only file, as the queue's rewriter tells. */
type Outcome = 'rewritten' | 'off' | 'not_permitted';

export interface RewriteContext {
  rewrite: () => Promise<Outcome | 'waiting'>;
  /** Signs what became of the file after a certificate. */
  addTo: (certificate: ErasureCertificate, state: LogState) => object;
}

/** How long a certificate waits for a rewrite that is about to be complete; afterwards it comes as an addendum. */
const PATIENCE_MS = 1500;
const POLL_MS = 50;

/** Notes that Redis holds no event of these installations any more, and that its file may. */
export async function noteQueueEmptied(group: Group, { client }: RunContext): Promise<void> {
  await inStep(client, group, (ids) =>
    client.query(
      `UPDATE erasure SET log_pending_since = clock_timestamp(), log_rewritten_at = NULL,
              log_not_rewritten = NULL
        WHERE erasure_id = ANY ($1)`,
      [ids],
    ),
  );
}

/** Waits for a moment, where a rewrite is under way or about to begin. */
export async function awaitRewrite(
  group: Group,
  { client, rewriteIsDue, stopping }: RunContext,
): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (performance.now() < giveUpAt && !stopping?.aborted && (await rewriteIsDue?.())) {
    const { rowCount } = await client.query(
      'SELECT FROM erasure WHERE erasure_id = ANY ($1) AND log_pending_since IS NOT NULL LIMIT 1',
      [group.erasures.map(({ id }) => id)],
    );
    if (rowCount === 0) return;
    await sleep(POLL_MS);
  }
}

/** Since when an erasure waits for a rewrite, by the database's clock; null where none does. */
export async function findPending(database: Queryable): Promise<Date | null> {
  const { rows } = await database.query<{ now: Date }>(
    `SELECT clock_timestamp() AS now
      WHERE EXISTS (SELECT FROM erasure WHERE log_pending_since IS NOT NULL)`,
  );
  return rows[0]?.now ?? null;
}

/**
 * Notes what became of the file with all erasures whose events had left the queue before a time, and adds it
 * to their certificates. To be called in a transaction. @returns those that have an addendum now
 */
export async function noteRewrite(
  tx: pg.ClientBase,
  { before, outcome, addTo }: { before: Date; outcome: Outcome } & Pick<RewriteContext, 'addTo'>,
): Promise<string[]> {
  const rows = await queryRecords<{
    id: string;
    certificate: ErasureCertificate | null;
    now: string;
  }>(
    tx,
    `SELECT erasure_id AS id, certificate, clock_timestamp() AS now FROM erasure
      WHERE log_pending_since < $1 ORDER BY erasure_id FOR NO KEY UPDATE`,
    [before],
  );
  const rewrittenAt = outcome === 'rewritten' ? (rows[0]?.now ?? null) : null;
  const added = rows.map(
    ({ certificate }) =>
      certificate && JSON.stringify(addTo(certificate, { state: outcome, rewrittenAt })),
  );
  await tx.query(
    `UPDATE erasure e
        SET log_pending_since = NULL, log_rewritten_at = $3, log_not_rewritten = $4, addendum = a.addendum
       FROM unnest($1::uuid[], $2::jsonb[]) AS a(erasure_id, addendum)
      WHERE e.erasure_id = a.erasure_id`,
    [rows.map(({ id }) => id), added, rewrittenAt, rewrittenAt === null ? outcome : null],
  );
  return rows.flatMap(({ id }, at) => (added[at] === null ? [] : [id]));
}
