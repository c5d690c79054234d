import type pg from 'pg';
import { refreshStale } from '../rollups/stale-sums.js';
import { rollupTables, subtractFromSums } from '../rollups/subtract.js';
import { inStep } from '../database/claims.js';
import { doOnce, limitsOf, type Group } from './claim.js';
import type { RunContext } from './context.js';
import {
  partitionsOf,
  tablesOfInstallations,
  tablesWithReceiveTime,
} from '../database/installation-tables.js';

/** Rows of a table that go in one transaction: a few hundred milliseconds. */
const ROWS_AT_ONCE = 20_000;
/** Rows whose places are looked up at once: some 30 MB. */
const PLACES_AT_ONCE = 500_000;
/**
 * How long an erasure sums up days again that nothing can be taken out of. What is left, as after a flood of
 * events, is left to the next refresh: an erasure does not wait for that.
 */
const SUMMING_UP_MS = 10_000;
/** Installations that are taken out of the sums at once: each has up to some thousand days. */
const SUMMED_AT_ONCE = 50;

interface Place {
  table: string;
  /** The table itself where it has no partitions. */
  partition: string;
  ids: readonly string[];
  /** Whether rows of some installations stay: those received after a time. */
  isLimited: boolean;
}

/**
 * Removes every row of the installations but those of rollups, a part at a time. The rows go in the order
 * in which they lie on the disk: those of several installations lie on the same pages, and each page is
 * changed once.
 */
export async function removeRows(group: Group, context: RunContext): Promise<void> {
  const { client } = context;
  const tables = await tablesOfInstallations(client);
  await noteTables(client, group, tables);
  const withTime = limitsOf(group).size > 0 ? await tablesWithReceiveTime(client) : null;
  for (const table of tables.filter((name) => !rollupTables.includes(name))) {
    const isLimited = withTime?.has(table) ?? false;
    await doOnce(client, group, `rows_removed:${table}`, (rest) =>
      removeFromTable({ table, isLimited }, rest, context),
    );
  }
}

async function removeFromTable(
  { table, isLimited }: Pick<Place, 'table' | 'isLimited'>,
  group: Group,
  context: RunContext,
): Promise<void> {
  const ids = group.erasures.flatMap(({ installationIds }) => installationIds);
  for (const partition of await partitionsOf(context.client, table)) {
    await removeFrom({ table, partition, ids, isLimited }, group, context);
  }
}

/**
 * Removes what is rolled up of the installations, and takes them out of the sums of their days. Their
 * reports are gone before: who reads a day from now on finds none.
 */
export async function removeFromRollups(group: Group, context: RunContext): Promise<void> {
  const { client, stopping } = context;
  const all = group.erasures.flatMap(({ installationIds }) => installationIds);
  for (let start = 0; start < all.length; start += SUMMED_AT_ONCE) {
    stopping?.throwIfAborted();
    const ids = all.slice(start, start + SUMMED_AT_ONCE);
    await inStep(client, group, async (erasureIds) => {
      await subtractFromSums(client, ids);
      for (const table of rollupTables) {
        await remove(client, erasureIds, { table, partition: table, ids, isLimited: false });
      }
    });
  }
  await refreshStale(client, { signal: stopping, deadline: performance.now() + SUMMING_UP_MS });
}

/** So that a certificate names every table that was looked into, also where nothing was found. */
async function noteTables(client: pg.ClientBase, group: Group, tables: readonly string[]) {
  const none = Object.fromEntries(tables.map((table) => [table, 0]));
  await inStep(client, group, (erasureIds) =>
    client.query('UPDATE erasure SET removed = $2::jsonb || removed WHERE erasure_id = ANY ($1)', [
      erasureIds,
      JSON.stringify(none),
    ]),
  );
}

/** What stays of an installation whose erasure has a limit. */
const isReached = (erasureIds: string) => `AND NOT EXISTS (
  SELECT FROM erasure_target t
   WHERE t.installation_id = x.installation_id AND t.erasure_id = ANY (${erasureIds}::uuid[])
     AND t.received_until < x.received_at)`;

async function removeFrom(place: Place, group: Group, { client, stopping }: RunContext) {
  const ids = group.erasures.map(({ id }) => id);
  for (;;) {
    const { rows } = await client.query<[string]>({
      text: `SELECT ctid FROM ONLY ${place.partition} x WHERE installation_id = ANY ($1::uuid[])
              ${place.isLimited ? isReached('$2') : ''} ORDER BY ctid LIMIT ${PLACES_AT_ONCE}`,
      values: [place.ids, ...(place.isLimited ? [ids] : [])],
      rowMode: 'array',
    });
    let removed = 0;
    for (let start = 0; start < rows.length; start += ROWS_AT_ONCE) {
      stopping?.throwIfAborted();
      const part = rows.slice(start, start + ROWS_AT_ONCE).map(([ctid]) => ctid);
      removed += await inStep(client, group, (erasureIds) =>
        remove(client, erasureIds, place, part),
      );
    }
    if (removed === rows.length && rows.length < PLACES_AT_ONCE) return;
  }
}

/** Where it stands what an installation said, and perhaps no other. */
const CONTENTS: Record<string, string> = {
  report: 'ARRAY[snapshot_id]',
  installation_day: 'ARRAY[health_id, package_id, framework_id, metric_id]',
  installation_day_events: 'contents',
};
/** Looked up by installation: those of all erasures of a group may be ten thousand. */
const ITS_ERASURES = `
  CROSS JOIN LATERAL (
       SELECT erasure_id FROM erasure_target t WHERE t.installation_id = gone.installation_id OFFSET 0) its`;
/** It is kept until it is collected. */
const REMEMBERED = `
  remembered AS (
    INSERT INTO erasure_snapshot
    SELECT DISTINCT erasure_id, s.id FROM gone ${ITS_ERASURES}
     CROSS JOIN LATERAL unnest(gone.contents) AS s(id)
     WHERE erasure_id = ANY ($1::uuid[]) AND s.id IS NOT NULL ON CONFLICT DO NOTHING),`;

/** Removes rows, all or a part, counts them, and remembers what they said, all at once. @returns how many */
async function remove(
  client: pg.ClientBase,
  erasureIds: readonly string[],
  { table, partition, ids, isLimited }: Place,
  part?: readonly string[],
): Promise<number> {
  const contents = CONTENTS[table];
  const { rows } = await client.query<{ count: number }>(
    // Where a row has moved in the meantime, another one may lie in its place: hence the second look.
    `WITH gone AS (
       DELETE FROM ONLY ${partition} x
        WHERE installation_id = ANY ($2::uuid[]) ${part ? 'AND x.ctid = ANY ($4::tid[])' : ''}
              ${isLimited ? isReached('$1') : ''}
       RETURNING installation_id${contents ? `, ${contents} AS contents` : ''}),
     ${contents ? REMEMBERED : ''}
     counted AS (
       SELECT erasure_id, count(*)::int AS count
         FROM gone ${ITS_ERASURES}
        WHERE erasure_id = ANY ($1::uuid[]) GROUP BY 1),
     noted AS (
       UPDATE erasure e
          SET removed = jsonb_set(removed, ARRAY[$3::text],
                to_jsonb(coalesce((removed->>$3)::int, 0) + counted.count))
         FROM counted WHERE e.erasure_id = counted.erasure_id)
     SELECT count(*)::int AS count FROM gone`,
    [erasureIds, ids, table, ...(part ? [part] : [])],
  );
  return rows[0]?.count ?? 0;
}
