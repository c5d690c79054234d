import type pg from 'pg';
import { correctRollups } from '../rollups/correct.js';
import { waitForWriters, type InstallationHasher } from '../suppression.js';
import { toErasure, type Erasure, type ErasureMode, type ErasureRow } from './erasure.js';
import { collectSnapshots } from './snapshots.js';
import { countRows, tablesOfInstallations } from './tables.js';

/** Whoever works on an erasure has it for so long, and renews that with every step. */
export const CLAIM = "now() + interval '15 seconds'";
/** Rows of a table that go in one transaction: a few hundred milliseconds. */
const ROWS_AT_ONCE = 20_000;

export interface RunContext {
  client: pg.ClientBase;
  hasher: InstallationHasher;
  /** Takes the installations' events out of the queue. */
  emptyQueue: (installationIds: readonly string[]) => Promise<void>;
  /** Signs what was done. */
  certify: (facts: ErasureFacts) => object;
}

/** What a certificate is about. */
export interface ErasureFacts extends Omit<Erasure, 'state' | 'failure' | 'installations'> {
  installationIds: readonly string[];
}

/**
 * Carries an erasure from wherever it is to its end. Every step may be done again: a worker that is
 * killed leaves an erasure that another one completes.
 */
export async function runErasure(erasureId: string, context: RunContext): Promise<void> {
  const { client } = context;
  const { mode, ids } = await open(client, erasureId);
  if (mode === 'lift') await lift(erasureId, ids, context);
  else {
    await suppress(erasureId, ids, context);
    if (mode !== 'suppress') {
      await erase(erasureId, ids, context);
      await verify(client, erasureId, ids);
    }
    if (mode === 'erase') await lift(erasureId, ids, context);
  }
  await complete(erasureId, ids, context);
}

async function open(client: pg.ClientBase, erasureId: string) {
  const { rows } = await client.query<{ mode: ErasureMode; ids: string[] }>(
    `SELECT mode, ARRAY(SELECT installation_id::text FROM erasure_target t
                         WHERE t.erasure_id = e.erasure_id ORDER BY 1) AS ids
       FROM erasure e WHERE erasure_id = $1`,
    [erasureId],
  );
  const [row] = rows;
  if (!row) throw new Error('The erasure is not there.');
  return row;
}

/** From its commit on no event of theirs is stored; then it waits for those that were under way. */
async function suppress(erasureId: string, ids: readonly string[], context: RunContext) {
  const { client, hasher } = context;
  await enter(client, erasureId, 'suppressing');
  await client.query(
    `INSERT INTO suppression SELECT h, now() FROM unnest($1::bytea[]) AS h ORDER BY h
     ON CONFLICT DO NOTHING`,
    [ids.map((id) => hasher.hash(id))],
  );
  await waitForWriters(client);
  await client.query(
    'UPDATE erasure SET suppressed_at = coalesce(suppressed_at, now()) WHERE erasure_id = $1',
    [erasureId],
  );
}

/** Ends a suppression; of an erasure that was to leave none, the one that it began itself. */
async function lift(erasureId: string, ids: readonly string[], { client, hasher }: RunContext) {
  await client.query(
    `DELETE FROM suppression s USING erasure e
      WHERE e.erasure_id = $1 AND s.installation_hash = ANY ($2::bytea[])
        AND (e.mode = 'lift' OR s.suppressed_at >= e.requested_at)`,
    [erasureId, ids.map((id) => hasher.hash(id))],
  );
}

async function erase(erasureId: string, ids: readonly string[], context: RunContext) {
  const { client, emptyQueue } = context;
  await enter(client, erasureId, 'erasing');
  await emptyQueue(ids);
  await rememberSnapshots(client, erasureId, ids);
  for (const table of await tablesOfInstallations(client)) {
    while (await removeSome(client, erasureId, table, ids));
  }
  await correctRollups(client, ids);
  await collect(client, erasureId);
  await client.query(
    'UPDATE erasure SET erased_at = coalesce(erased_at, now()) WHERE erasure_id = $1',
    [erasureId],
  );
}

/** What only these reports may point at; kept until it is collected, for a worker may be killed. */
async function rememberSnapshots(client: pg.ClientBase, erasureId: string, ids: readonly string[]) {
  await client.query(
    `INSERT INTO erasure_snapshot
     SELECT DISTINCT $1::uuid, snapshot_id FROM report WHERE installation_id = ANY ($2::uuid[])
     ON CONFLICT DO NOTHING`,
    [erasureId, ids],
  );
}

/** Removes a part of a table's rows and counts them, in one transaction. @returns whether there may be more */
async function removeSome(
  client: pg.ClientBase,
  erasureId: string,
  table: string,
  ids: readonly string[],
): Promise<boolean> {
  const { rows } = await client.query<{ count: number }>(
    `WITH gone AS (
       DELETE FROM ${table} WHERE (tableoid, ctid) IN (
         SELECT tableoid, ctid FROM ${table} WHERE installation_id = ANY ($2::uuid[]) LIMIT ${ROWS_AT_ONCE})
       RETURNING 1),
     counted AS (SELECT count(*)::int AS count FROM gone)
     UPDATE erasure
        SET removed = jsonb_set(removed, ARRAY[$3::text],
              to_jsonb(coalesce((removed->>$3)::int, 0) + counted.count)),
            claimed_until = ${CLAIM}
       FROM counted WHERE erasure_id = $1
     RETURNING counted.count`,
    [erasureId, ids, table],
  );
  return (rows[0]?.count ?? 0) === ROWS_AT_ONCE;
}

async function collect(client: pg.ClientBase, erasureId: string): Promise<void> {
  const { rows } = await client.query<{ id: string }>(
    'SELECT snapshot_id AS id FROM erasure_snapshot WHERE erasure_id = $1',
    [erasureId],
  );
  const removed = await collectSnapshots(
    client,
    rows.map(({ id }) => id),
  );
  await client.query('UPDATE erasure SET removed = removed || $2::jsonb WHERE erasure_id = $1', [
    erasureId,
    JSON.stringify(removed),
  ]);
  await client.query('DELETE FROM erasure_snapshot WHERE erasure_id = $1', [erasureId]);
}

/** Looks for rows that are left. @throws where there are any: then the erasure begins again */
async function verify(client: pg.ClientBase, erasureId: string, ids: readonly string[]) {
  await enter(client, erasureId, 'verifying');
  const remaining = await countRows(client, await tablesOfInstallations(client), ids);
  if (Object.values(remaining).some((count) => count > 0)) throw new Error('Rows are left.');
  await client.query('UPDATE erasure SET verified = $2 WHERE erasure_id = $1', [
    erasureId,
    JSON.stringify(remaining),
  ]);
}

/** Signs what was done, and forgets the ids. */
async function complete(
  erasureId: string,
  installationIds: readonly string[],
  { client, certify }: RunContext,
): Promise<void> {
  const { rows } = await client.query<ErasureRow>(
    `UPDATE erasure SET completed_at = coalesce(completed_at, now()) WHERE erasure_id = $1 RETURNING *`,
    [erasureId],
  );
  const [row] = rows;
  if (!row) throw new Error('The erasure is not there.');
  const certificate = certify({ ...toErasure(row), installationIds });
  await client.query(
    `WITH forgotten AS (DELETE FROM erasure_target WHERE erasure_id = $1)
     UPDATE erasure SET state = 'complete', certificate = $2, failure = NULL, claimed_until = NULL
      WHERE erasure_id = $1`,
    [erasureId, JSON.stringify(certificate)],
  );
}

async function enter(client: pg.ClientBase, erasureId: string, state: string): Promise<void> {
  await client.query(
    `UPDATE erasure SET state = $2, claimed_until = ${CLAIM} WHERE erasure_id = $1`,
    [erasureId, state],
  );
}
