import type pg from 'pg';
import { queryRecords } from '../database/records.js';
import { waitForWriters } from '../database/wait-for-writers.js';
import { inStep } from '../database/claims.js';
import { doOnce, limitsOf, type Group } from './claim.js';
import type { RunContext } from './context.js';
import { RowsRemain } from '../database/failure.js';
import { outside } from './outside.js';
import { ERASURE, type Erasure, type ErasureState } from './erasure.js';
import { collectGroup } from './leftovers.js';
import { awaitRewrite, noteQueueEmptied } from './log-rewrite.js';
import { recordCompletions, recordSuppressions } from './record.js';
import { removeFromRollups, removeRows } from './remove.js';
import { lockRequests, suppress } from './request.js';
import { markLeftDays, restoreInstallations } from './received-since.js';
import { staysSuppressed } from './stays-suppressed.js';
import { forgetStatistics } from './statistics.js';
import { countRowsOfErasures, tablesOfInstallations } from '../database/installation-tables.js';

type Step = (group: Group, context: RunContext) => Promise<void>;

/**
 * Confirms that no worker stores an event of these installations any more. The request itself has suppressed
 * them; this waits for the transactions that were under way then, once for the whole group.
 */
export async function confirmSuppressions(group: Group, context: RunContext): Promise<void> {
  const { client, hasher } = context;
  await inStep(client, group, async (ids) => {
    await enter(client, ids, 'suppressing');
    for (const isLasting of [true, false]) {
      const some = group.erasures.filter(({ mode }) => (mode !== 'erase') === isLasting);
      const hashes = some.flatMap(({ installationIds, receivedUntil }) =>
        installationIds.filter((id) => !receivedUntil.has(id)).map((id) => hasher.hash(id)),
      );
      await suppress(client, hashes, isLasting);
    }
  });
  await waitForWriters(client);
  await recordSuppressions(group, context);
  await inStep(client, group, (ids) =>
    client.query(
      `UPDATE erasure SET suppressed_at = coalesce(suppressed_at, now()), claimed_by = NULL, claimed_until = NULL
        WHERE erasure_id = ANY ($1)`,
      [ids],
    ),
  );
}

/** Steps by the names under which the database remembers that they are done. `complete` follows the last. */
type Steps = readonly (readonly [name: string, step: Step])[];

/** Each step may be repeated: a worker that is killed or loses its connection leaves one unfinished. */
const WITHOUT_ROWS: Steps = [
  ['recorded', recordCompletions],
  ['lifted', lift],
];
const WITH_ROWS: Steps = [
  ['queue_emptied', emptyQueue],
  ['queue_noted', noteQueueEmptied],
  ['rows_removed', removeRows],
  ['installations_restored', restoreInstallations],
  ['rollups_removed', removeFromRollups],
  ['left_days_marked', markLeftDays],
  ['contents_collected', collectGroup],
  ['statistics_forgotten', forgetStatistics],
  ['erasure_noted', noteErased],
  ['verified', verify],
  ['recorded', recordCompletions],
  ['lifted', lift],
  ['rewrite_awaited', awaitRewrite],
];

/** Carries out erasures that have no rows to remove: those that suppress or lift. */
export async function settle(group: Group, context: RunContext): Promise<void> {
  await take(WITHOUT_ROWS, group, context);
}

/** Carries out erasures from their first step that is not done. Each has its own counts. */
export async function erase(group: Group, context: RunContext): Promise<void> {
  await take(WITH_ROWS, group, context);
}

async function take(steps: Steps, group: Group, context: RunContext): Promise<void> {
  for (const [name, step] of steps) {
    context.stopping?.throwIfAborted();
    await doOnce(context.client, group, name, (rest) => step(rest, context));
  }
  context.stopping?.throwIfAborted();
  await complete(group, context);
}

async function emptyQueue(
  group: Group,
  { client, emptyQueue, stopping }: RunContext,
): Promise<void> {
  await inStep(client, group, (ids) => enter(client, ids, 'erasing'));
  const ids = group.erasures.flatMap(({ installationIds }) => installationIds);
  await outside('queue', emptyQueue(ids, { receivedUntil: limitsOf(group), signal: stopping }));
}

async function noteErased(group: Group, { client }: RunContext): Promise<void> {
  await inStep(client, group, (ids) =>
    client.query(
      `UPDATE erasure SET state = 'verifying', erased_at = coalesce(erased_at, now())
        WHERE erasure_id = ANY ($1)`,
      [ids],
    ),
  );
}

/** Looks for rows that remain. @throws RowsRemain if there are any; the erasures then begin again */
async function verify(group: Group, { client }: RunContext): Promise<void> {
  const isClean = await inStep(client, group, async (ids) => {
    const tables = await tablesOfInstallations(client);
    const remaining = await countRowsOfErasures(client, tables, ids);
    const isClean = Object.values(remaining).every((count) => count === 0);
    await client.query(isClean ? NOTE_VERIFIED : BEGIN_AGAIN, [
      ids,
      ...(isClean ? [JSON.stringify(remaining)] : []),
    ]);
    return isClean;
  });
  if (!isClean) throw new RowsRemain('The verification found rows.');
}

const NOTE_VERIFIED = 'UPDATE erasure SET verified = $2 WHERE erasure_id = ANY ($1)';
const BEGIN_AGAIN = `UPDATE erasure SET steps_done = '{}' WHERE erasure_id = ANY ($1)`;

/**
 * Ends suppressions: those of erasures that do not last, and those to be lifted. A suppression that was
 * requested since stays, and lasts as that request says; so does one that a failed erasure needs.
 */
async function lift(group: Group, { client, hasher }: RunContext): Promise<void> {
  const some = group.erasures.filter(({ mode }) => mode === 'lift' || mode === 'erase');
  if (some.length === 0) return;
  const pairs = some.flatMap(({ id, installationIds }) =>
    installationIds.map((installationId) => ({ id, hash: hasher.hash(installationId) })),
  );
  await inStep(client, group, async () => {
    await lockRequests(client);
    await client.query(LIFT, [pairs.map(({ id }) => id), pairs.map(({ hash }) => hash)]);
  });
}

const LIFT = `
  WITH ending AS (
    SELECT p.hash, bool_or(later.erasure_id IS NOT NULL) AS is_wanted,
           coalesce(bool_or(later.mode <> 'erase'), false) AS is_lasting
      FROM unnest($1::uuid[], $2::bytea[]) AS p(erasure_id, hash)
      JOIN erasure e USING (erasure_id)
      JOIN suppression s ON s.installation_hash = p.hash AND (e.mode = 'lift' OR NOT s.is_lasting)
      LEFT JOIN (erasure_subject u JOIN erasure later USING (erasure_id))
             ON u.installation_hash = p.hash
            AND (later.requested_at > e.requested_at OR e.mode <> 'lift' AND later.state = 'failed')
            AND ${staysSuppressed('later', 'p.hash')}
     GROUP BY 1),
  kept AS (
    UPDATE suppression s SET is_lasting = ending.is_lasting
      FROM ending WHERE s.installation_hash = ending.hash AND is_wanted)
  DELETE FROM suppression s USING ending
   WHERE s.installation_hash = ending.hash AND NOT is_wanted`;

/** Signs the certificates, and deletes the ids. */
async function complete(group: Group, { client, certify }: RunContext): Promise<void> {
  const idsOf = new Map(group.erasures.map(({ id, installationIds }) => [id, installationIds]));
  await inStep(client, group, async (ids) => {
    const erasures = await queryRecords<Erasure>(
      client,
      `UPDATE erasure SET completed_at = coalesce(completed_at, now())
        WHERE erasure_id = ANY ($1) RETURNING ${ERASURE}`,
      [ids],
    );
    const certificates = erasures.map((erasure) =>
      certify({ ...erasure, installationIds: idsOf.get(erasure.id) ?? [] }),
    );
    await client.query('DELETE FROM erasure_target WHERE erasure_id = ANY ($1)', [ids]);
    await client.query(
      `UPDATE erasure e
          SET state = 'complete', certificate = c.certificate, failure = NULL, claimed_by = NULL,
              claimed_until = NULL
         FROM unnest($1::uuid[], $2::jsonb[]) AS c(erasure_id, certificate)
        WHERE e.erasure_id = c.erasure_id`,
      [erasures.map(({ id }) => id), certificates.map((it) => JSON.stringify(it))],
    );
  });
}

async function enter(client: pg.ClientBase, ids: readonly string[], state: ErasureState) {
  await client.query('UPDATE erasure SET state = $2 WHERE erasure_id = ANY ($1)', [ids, state]);
}
