import { inStep } from '../database/claims.js';
import type { Group } from './claim.js';
import type { RunContext } from './context.js';
import { collectSnapshots, type Collected } from '../database/collect-snapshots.js';

/**
 * Collects the contents that only these installations have reported, once for the whole group. One that
 * several of them shared is counted with the first.
 */
export async function collectGroup(group: Group, { client }: RunContext): Promise<void> {
  const { rows } = await client.query<{ id: string; erasure_id: string }>(
    `SELECT snapshot_id AS id, min(erasure_id::text) AS erasure_id
       FROM erasure_snapshot WHERE erasure_id = ANY ($1) GROUP BY 1`,
    [group.erasures.map(({ id }) => id)],
  );
  const erasureOf = new Map(rows.map((row) => [row.id, row.erasure_id]));
  const note = async (collected: readonly Collected[]) => {
    const counts = new Map<string, Record<string, number>>();
    for (const { table, snapshotId } of collected) {
      const erasureId = erasureOf.get(snapshotId) ?? '';
      const own = counts.get(erasureId) ?? {};
      counts.set(erasureId, { ...own, [table]: (own[table] ?? 0) + 1 });
    }
    await client.query(
      `WITH forgotten AS (DELETE FROM erasure_snapshot WHERE erasure_id = ANY ($3::uuid[]))
       UPDATE erasure e
          SET removed = e.removed || (
              SELECT jsonb_object_agg(key, coalesce((e.removed->>key)::int, 0) + value::int)
                FROM jsonb_each_text(c.counts))
         FROM unnest($1::uuid[], $2::jsonb[]) AS c(erasure_id, counts)
        WHERE e.erasure_id = c.erasure_id`,
      [
        [...counts.keys()],
        [...counts.values()].map((it) => JSON.stringify(it)),
        group.erasures.map(({ id }) => id),
      ],
    );
  };
  await collectSnapshots(client, [...erasureOf.keys()], {
    note,
    inStep: (work) => inStep(client, group, work),
  });
}
