import type pg from 'pg';
import { completeClaim, inStep, type Claim } from '../database/claims.js';
import { partsOfAnEvent, removeEventRows, type EventKeyColumns } from '../database/event-rows.js';
import { DependencyFailed } from '../database/failure.js';
import { partitionsOf, tablesOfInstallations } from '../database/installation-tables.js';
import { blockRanges } from '../maintenance/expired-rows.js';
import { markChanges } from '../rollups/dirty-days.js';
import { BY_KEY, subtractFromSums } from '../rollups/subtract.js';
import { waitForWriters } from '../database/wait-for-writers.js';
import type { Purge } from './purge.js';

/** Installations that are removed in one transaction. */
const INSTALLATIONS_AT_ONCE = 50;

interface ClaimedPurge {
  purge: Purge;
  claim: Claim;
}

export interface PurgeContext {
  /** Removes from the queue what a key sent in a period: milliseconds since 1970, `to` exclusive. */
  emptyQueue: (
    scope: { keyId: string; from: number; to: number },
    signal: AbortSignal,
  ) => Promise<void>;
  signal: AbortSignal;
}

/**
 * Removes what a key sent: first from the queue, then from the database, in short steps that are committed one
 * by one. Each may be repeated. Passes are repeated until one finds nothing. At the end, the installations
 * without any events are removed. The balance keeps the fates of the events.
 */
export async function runPurge(
  client: pg.ClientBase,
  { purge, claim }: ClaimedPurge,
  { emptyQueue, signal }: PurgeContext,
): Promise<void> {
  const [from, to] = [Date.parse(purge.from), Date.parse(purge.to)];
  await emptyQueue({ keyId: purge.keyId, from, to }, signal).catch((cause: unknown) => {
    throw new DependencyFailed('queue_unavailable', { cause });
  });
  for (let removed = 1; removed > 0;) {
    await waitForWriters(client);
    removed = await removeEvents(client, { purge, claim }, signal);
  }
  for (let ids = await installationsAfter(client, purge, null); ids.length > 0;) {
    signal.throwIfAborted();
    const some = ids;
    await removeStep(client, claim, () => removeEmpty(client, some));
    ids = await installationsAfter(client, purge, some.at(-1) ?? null);
  }
  await completeClaim(client, claim);
}

/**
 * A pass over all events. Quarantined events come first: a replay that is under way moves them to the reports.
 * @returns how many events it removed
 */
async function removeEvents(
  client: pg.ClientBase,
  { purge, claim }: ClaimedPurge,
  signal: AbortSignal,
): Promise<number> {
  let removed = 0;
  for await (const piece of blockRanges(client, 'quarantined_event', signal)) {
    removed += await removeStep(client, claim, () => removeQuarantined(client, purge, piece));
  }
  for (const partition of await partitionsOf(client, 'report')) {
    for await (const piece of blockRanges(client, partition, signal)) {
      const place = { partition, piece };
      removed += await removeStep(client, claim, () => removeReports(client, purge, place));
    }
  }
  return removed;
}

type Removed = Record<string, number>;
type Piece = readonly [first: string, end: string];

/**
 * Does a step, and notes what it removed.
 * @returns how many rows
 * @throws ClaimLost
 */
async function removeStep(
  client: pg.ClientBase,
  claim: Claim,
  work: () => Promise<Removed>,
): Promise<number> {
  return inStep(client, claim, async (ids) => {
    const counts = Object.entries(await work()).filter(([, count]) => count > 0);
    if (counts.length === 0) return 0;
    const { rows } = await client.query<{ removed: Removed }>(
      'SELECT removed FROM purge WHERE purge_id = ANY ($1)',
      [ids],
    );
    const removed = rows[0]?.removed ?? {};
    for (const [table, count] of counts) removed[table] = (removed[table] ?? 0) + count;
    // Only what is removed is progress: every attempt passes again over what has nothing to remove.
    await client.query(
      'UPDATE purge SET removed = $2, attempts = 0, failure = NULL WHERE purge_id = ANY ($1)',
      [ids, JSON.stringify(removed)],
    );
    return counts.reduce((sum, [, count]) => sum + count, 0);
  });
}

const ORIGINS = 'ARRAY(SELECT origin_id FROM origin WHERE key_id = $1)';

async function removeReports(
  client: pg.ClientBase,
  { id, keyId, from, to }: Purge,
  { partition, piece }: { partition: string; piece: Piece },
): Promise<Removed> {
  const { rows } = await client.query<GoneRow>(
    `DELETE FROM ONLY ${partition}
      WHERE ctid >= $4::tid AND ctid < $5::tid AND origin_id = ANY (${ORIGINS})
        AND received_at >= $2 AND received_at < $3
     RETURNING installation_id, event_key, received_at, observed_at`,
    [keyId, from, to, ...piece],
  );
  if (rows.length === 0) return {};
  await markChanges(
    client,
    rows.map(({ observed_at }) => observed_at.getTime()),
  );
  await remember(client, id, rows);
  return { report: rows.length, ...(await removeEventRows(client, partsOfAnEvent, keysOf(rows))) };
}

interface GoneRow {
  installation_id: string;
  event_key: string;
  received_at: Date;
  observed_at: Date;
}

function keysOf(gone: readonly GoneRow[]): EventKeyColumns {
  return [
    gone.map(({ installation_id }) => installation_id),
    gone.map(({ event_key }) => event_key),
    gone.map(({ received_at }) => received_at.toISOString()),
  ];
}

/** Which key sent a quarantined event is known from what was kept of it. */
async function removeQuarantined(
  client: pg.ClientBase,
  { id, keyId, from, to }: Purge,
  piece: Piece,
): Promise<Removed> {
  const { rows } = await client.query<GoneRow>(
    `DELETE FROM quarantined_event q
      WHERE q.ctid >= $4::tid AND q.ctid < $5::tid AND q.received_at >= $2 AND q.received_at < $3
        AND EXISTS (SELECT FROM original_event o
                     WHERE o.installation_id = q.installation_id AND o.event_key = q.event_key
                       AND o.received_at = q.received_at AND o.envelope->>'key' = $1)
     RETURNING installation_id, event_key, received_at, observed_at`,
    [keyId, from, to, ...piece],
  );
  if (rows.length === 0) return {};
  await remember(client, id, rows);
  return {
    quarantined_event: rows.length,
    ...(await removeEventRows(client, ['original_event'], keysOf(rows))),
  };
}

async function remember(client: pg.ClientBase, purgeId: string, gone: readonly GoneRow[]) {
  await client.query(
    `INSERT INTO purge_installation SELECT DISTINCT id, $2::uuid FROM unnest($1::uuid[]) AS id
     ON CONFLICT DO NOTHING`,
    [gone.map(({ installation_id }) => installation_id), purgeId],
  );
}

async function installationsAfter(
  client: pg.ClientBase,
  { id: purgeId }: Purge,
  lastId: string | null,
): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT installation_id AS id FROM purge_installation
      WHERE purge_id = $1 AND ($2::uuid IS NULL OR installation_id > $2)
      ORDER BY installation_id LIMIT ${INSTALLATIONS_AT_ONCE}`,
    [purgeId, lastId],
  );
  return rows.map(({ id }) => id);
}

/** Nothing is left of an installation without events, unless its days are older than the reports that are kept. */
const EMPTY = `
  SELECT id FROM unnest($1::uuid[]) AS id
   WHERE NOT EXISTS (SELECT FROM report r WHERE r.installation_id = id)
     AND NOT EXISTS (SELECT FROM quarantined_event q WHERE q.installation_id = id)
     AND NOT EXISTS (SELECT FROM consent_event c WHERE c.installation_id = id)
     AND NOT EXISTS (SELECT FROM erasure_target t WHERE t.installation_id = id)
     AND NOT EXISTS (SELECT FROM installation_day d JOIN retention_floor f USING (product)
                      WHERE d.installation_id = id AND d.day < f.day)`;

/** Locks them first: a worker that has an event of one either has stored it, or makes the installation again. */
async function removeEmpty(client: pg.ClientBase, ids: readonly string[]): Promise<Removed> {
  await client.query(BY_KEY);
  await client.query(
    `SELECT FROM installation WHERE installation_id = ANY ($1::uuid[])
      ORDER BY installation_id, product FOR UPDATE`,
    [ids],
  );
  const { rows } = await client.query<{ id: string }>(EMPTY, [ids]);
  const empty = rows.map(({ id }) => id);
  const removed: Removed = {};
  if (empty.length > 0) await subtractFromSums(client, empty);
  for (const table of await tablesOfInstallations(client)) {
    const gone = table === 'purge_installation' ? ids : empty;
    const { rowCount } = await client.query(
      `DELETE FROM ${table} WHERE installation_id = ANY ($1::uuid[])`,
      [gone],
    );
    if (table === 'installation') removed[table] = rowCount ?? 0;
  }
  return removed;
}
