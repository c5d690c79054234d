import type pg from 'pg';
import type { UnidentifiedEvent } from '#telemetry';
import { contentId, hourOf } from '#telemetry';
import type { Tally } from './batch.js';

/** Writers that would wait for one row of an hour's tally wait for one of these instead. */
const SHARDS = 8;

const ADD_TALLY = `
  INSERT INTO ingest_tally AS t (product, hour, shard, accepted, stored, duplicate,
                                 quarantined, suppressed, empty, blocked,
                                 opted_out)
  SELECT product, hour, $3, accepted, stored, duplicate, quarantined, suppressed, empty, blocked,
         opted_out
    FROM unnest($1::text[], $2::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[],
                $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])
      AS u(product, hour, accepted, stored, duplicate, quarantined, suppressed, empty, blocked,
           opted_out)
  ON CONFLICT (product, hour, shard) DO UPDATE
     SET accepted = t.accepted + excluded.accepted,
         stored = t.stored + excluded.stored,
         duplicate = t.duplicate + excluded.duplicate,
         quarantined = t.quarantined + excluded.quarantined,
         suppressed = t.suppressed + excluded.suppressed,
         empty = t.empty + excluded.empty,
         blocked = t.blocked + excluded.blocked,
         opted_out = t.opted_out + excluded.opted_out`;

/** Adds what happened to a batch's events to the hours in which they were received. */
export async function addTally(tx: pg.ClientBase, tally: Tally): Promise<void> {
  const entries = tally.entries();
  if (entries.length === 0) return;
  const counts = (outcome: Parameters<Tally['add']>[1]) =>
    entries.map(({ countOf }) => countOf(outcome));
  await tx.query({
    name: 'add-tally',
    text: ADD_TALLY,
    values: [
      entries.map(({ product }) => product),
      entries.map(({ hour }) => new Date(hour).toISOString()),
      Math.floor(Math.random() * SHARDS),
      counts('accepted'),
      counts('stored'),
      counts('duplicate'),
      counts('quarantined'),
      counts('suppressed'),
      counts('empty'),
      counts('blocked'),
      counts('opted_out'),
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
