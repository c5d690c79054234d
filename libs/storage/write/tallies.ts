import type pg from 'pg';
import type { UnidentifiedEvent } from '#telemetry';
import { contentId, fates, hourOf } from '#telemetry';
import type { Tally } from './batch.js';

/** Writers that would wait for one row of an hour's tally wait for one of these instead. */
const SHARDS = 8;

const OUTCOMES = ['accepted', ...fates] as const;
const ADD_TALLY = `
  INSERT INTO ingest_tally AS t (product, hour, shard, ${OUTCOMES.join(', ')})
  SELECT product, hour, $3, ${OUTCOMES.join(', ')}
    FROM unnest($1::text[], $2::timestamptz[],
                ${OUTCOMES.map((_, at) => `$${at + 4}::bigint[]`).join(', ')})
      AS u(product, hour, ${OUTCOMES.join(', ')})
  ON CONFLICT (product, hour, shard) DO UPDATE
     SET ${OUTCOMES.map((it) => `${it} = t.${it} + excluded.${it}`).join(', ')}`;

/** Adds what happened to a batch's events to the hours in which they were received. */
export async function addTally(tx: pg.ClientBase, tally: Tally): Promise<void> {
  const entries = tally.entries();
  if (entries.length === 0) return;
  await tx.query({
    name: 'add-tally',
    text: ADD_TALLY,
    values: [
      entries.map(({ product }) => product),
      entries.map(({ hour }) => new Date(hour).toISOString()),
      Math.floor(Math.random() * SHARDS),
      ...OUTCOMES.map((outcome) => entries.map(({ countOf }) => countOf(outcome))),
    ],
  });
}

/** Counts events without an installation under their hour, reason and keys. */
export async function countUnidentified(
  tx: pg.ClientBase,
  events: readonly UnidentifiedEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const rows = new Map<string, ReturnType<typeof toRow>>();
  for (const event of events) {
    const row = toRow(event);
    const name = JSON.stringify([row.product, row.hour, row.reason, row.path, row.keys_id]);
    const same = rows.get(name);
    if (same) same.event_count += 1;
    else rows.set(name, row);
  }
  const inLockOrder = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  await tx.query(
    `INSERT INTO unidentified_event AS u
     SELECT * FROM jsonb_populate_recordset(NULL::unidentified_event, $1::jsonb)
     ON CONFLICT (product, hour, reason, path, keys_id) DO UPDATE
        SET event_count = u.event_count + excluded.event_count`,
    [JSON.stringify(inLockOrder)],
  );
}

function toRow({ product, receivedAt, rejection, keys }: UnidentifiedEvent) {
  return {
    product,
    hour: new Date(hourOf(receivedAt)).toISOString(),
    reason: rejection.reason,
    path: rejection.path,
    keys_id: contentId(keys),
    keys,
    event_count: 1,
  };
}
