import type pg from 'pg';
import type { QuarantinedEvent, UnderstoodEvent } from '#telemetry';
import { reportKinds } from '#telemetry';
import type { IdentifiedEvent } from './batch.js';
import type { OriginOf } from './origins.js';
import { keyColumns } from './reports.js';

/** Writes which readings were left out, and keeps the events they were left out of. */
export async function insertDefects(
  tx: pg.ClientBase,
  events: readonly UnderstoodEvent[],
  originOf: OriginOf,
): Promise<void> {
  const defective = events.filter(({ defects }) => defects.length > 0);
  if (defective.length === 0) return;
  const rows = defective.flatMap((event) =>
    event.defects.map(({ path, reason, leftOut = 1 }) => ({
      installation_id: event.installationId,
      event_key: event.eventKey,
      received_at: new Date(event.receivedAt).toISOString(),
      observed_at: new Date(event.observedAt).toISOString(),
      origin_id: originOf(event),
      kind: reportKinds[event.kind],
      path: asPath(path),
      reason,
      left_out: leftOut,
    })),
  );
  await tx.query(
    `INSERT INTO defect SELECT * FROM jsonb_populate_recordset(NULL::defect, $1::jsonb)
     ON CONFLICT DO NOTHING`,
    [JSON.stringify(rows)],
  );
  await insertOriginals(tx, defective);
}

/** Keeps events aside that could not be understood, for a replay. */
export async function insertQuarantined(
  tx: pg.ClientBase,
  events: readonly QuarantinedEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map((event) => ({
    installation_id: event.installationId,
    event_key: event.eventKey,
    received_at: new Date(event.receivedAt).toISOString(),
    observed_at: new Date(event.observedAt).toISOString(),
    product: event.product,
    event: event.event,
    reason: event.reason,
    path: asPath(event.path),
    version: event.version ?? '',
  }));
  const columns =
    'installation_id, event_key, received_at, observed_at, product, event, reason, path, version';
  await tx.query(
    `INSERT INTO quarantined_event (${columns})
     SELECT ${columns} FROM jsonb_populate_recordset(NULL::quarantined_event, $1::jsonb)`,
    [JSON.stringify(rows)],
  );
  await insertOriginals(tx, events);
}

async function insertOriginals(tx: pg.ClientBase, events: readonly IdentifiedEvent[]) {
  await tx.query(
    `INSERT INTO original_event (installation_id, event_key, received_at, envelope)
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::json[])`,
    [...keyColumns(events), events.map(({ keep }) => JSON.stringify(keep()))],
  );
}

/** Senders choose keys: what Postgres cannot hold is taken out of a path. The normaliser bounds its length. */
function asPath(path: string): string {
  return path.replaceAll('\u0000', '').toWellFormed();
}
