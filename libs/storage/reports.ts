import type pg from 'pg';
import type { Clock, QuarantinedEvent, ResourceFigures, UnderstoodEvent } from '#telemetry';
import { reportKinds } from '#telemetry';
import type { IdentifiedEvent } from './batch.js';
import { DUPLICATE_WINDOW_MS, type Incumbent } from './copies.js';
import type { Releases } from './releases.js';

const CLOCKS: Record<Clock, number> = { agent: 0, corrected: 1, received: 2 };

/** Looks up the stored copies of events. The installations must be locked. */
export async function findIncumbents(
  tx: pg.ClientBase,
  events: readonly IdentifiedEvent[],
): Promise<Incumbent[]> {
  const times = events.map(({ receivedAt }) => receivedAt);
  const earliest = times.reduce((a, b) => Math.min(a, b));
  const latest = times.reduce((a, b) => Math.max(a, b));
  const { rows } = await tx.query<FoundCopy>({
    name: 'find-incumbents',
    text: `
      SELECT k.installation_id, k.event_key, 'stored' AS fate, r.received_at, r.observed_at,
             r.snapshot_id
        FROM unnest($1::uuid[], $2::bigint[]) AS k(installation_id, event_key)
        JOIN report r USING (installation_id, event_key)
       WHERE r.received_at BETWEEN $3 AND $4
       UNION ALL
      SELECT k.installation_id, k.event_key, 'quarantined', q.received_at, q.observed_at, NULL
        FROM unnest($1::uuid[], $2::bigint[]) AS k(installation_id, event_key)
        JOIN quarantined_event q USING (installation_id, event_key)
       WHERE q.received_at BETWEEN $3 AND $4`,
    values: [
      events.map(({ installationId }) => installationId),
      events.map(({ eventKey }) => eventKey),
      new Date(earliest - DUPLICATE_WINDOW_MS).toISOString(),
      new Date(latest + DUPLICATE_WINDOW_MS).toISOString(),
    ],
  });
  return rows.map((row) => ({
    installationId: row.installation_id,
    eventKey: row.event_key,
    fate: row.fate,
    receivedAt: row.received_at.getTime(),
    observedAt: row.observed_at.getTime(),
    snapshotId: row.snapshot_id ?? '',
  }));
}

interface FoundCopy {
  installation_id: string;
  event_key: string;
  fate: 'stored' | 'quarantined';
  received_at: Date;
  observed_at: Date;
  snapshot_id: string | null;
}

/** Takes out all rows of events whose earlier copy has turned up. */
export async function removeSuperseded(tx: pg.ClientBase, superseded: readonly Incumbent[]) {
  if (superseded.length === 0) return;
  const keys = keyColumns(superseded);
  const tables = ['report', 'resource_reading', 'defect', 'quarantined_event', 'original_event'];
  for (const table of tables) {
    await tx.query(
      `DELETE FROM ${table}
        USING unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) AS k(id, event_key, received_at)
        WHERE ${table}.installation_id = k.id AND ${table}.event_key = k.event_key
          AND ${table}.received_at = k.received_at`,
      keys,
    );
  }
}

/** Writes the reports, one narrow row each, and the figures of those that have some. */
export async function insertReports(
  tx: pg.ClientBase,
  events: readonly UnderstoodEvent[],
  releases: Releases,
): Promise<void> {
  if (events.length === 0) return;
  await tx.query({
    name: 'insert-reports',
    text: `INSERT INTO report (installation_id, event_key, received_at, observed_at, snapshot_id,
                               release_id, kind, clock)
           SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[],
                                $5::uuid[], $6::integer[], $7::smallint[], $8::smallint[])`,
    values: [
      ...keyColumns(events),
      events.map(({ observedAt }) => new Date(observedAt).toISOString()),
      events.map(({ snapshot }) => snapshot.id),
      events.map((event) => releases.idOf(event)),
      events.map(({ kind }) => reportKinds[kind]),
      events.map(({ clock }) => CLOCKS[clock]),
    ],
  });
  await insertResources(tx, events, releases);
}

const FIGURES: readonly (keyof ResourceFigures)[] = [
  'cpuTotal',
  'cpuUsed',
  'memTotalMb',
  'memUsedMb',
  'diskTotalMb',
  'diskUsedMb',
  'agentsActive',
  'agentsConnected',
  'taskCount',
  'frameworkCount',
];

async function insertResources(
  tx: pg.ClientBase,
  events: readonly UnderstoodEvent[],
  releases: Releases,
): Promise<void> {
  const withFigures = events.filter(({ resources }) => resources !== undefined);
  if (withFigures.length === 0) return;
  await tx.query({
    name: 'insert-resources',
    text: `INSERT INTO resource_reading (installation_id, event_key, received_at, observed_at,
                  release_id, cpu_total, cpu_used, mem_total_mb, mem_used_mb, disk_total_mb,
                  disk_used_mb, agents_active, agents_connected, task_count, framework_count)
           SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[],
                                $5::integer[], $6::float8[], $7::float8[], $8::float8[],
                                $9::float8[], $10::float8[], $11::float8[], $12::integer[],
                                $13::integer[], $14::integer[], $15::integer[])`,
    values: [
      ...keyColumns(withFigures),
      withFigures.map(({ observedAt }) => new Date(observedAt).toISOString()),
      withFigures.map((event) => releases.idOf(event)),
      ...FIGURES.map((figure) => withFigures.map(({ resources }) => resources?.[figure] ?? null)),
    ],
  });
}

/** Writes which readings were left out, and keeps the events they were left out of. */
export async function insertDefects(
  tx: pg.ClientBase,
  events: readonly UnderstoodEvent[],
  releases: Releases,
): Promise<void> {
  const defective = events.filter(({ defects }) => defects.length > 0);
  if (defective.length === 0) return;
  const rows = defective.flatMap((event) =>
    event.defects.map(({ path, reason }) => ({
      installation_id: event.installationId,
      event_key: event.eventKey,
      received_at: new Date(event.receivedAt).toISOString(),
      observed_at: new Date(event.observedAt).toISOString(),
      release_id: releases.idOf(event),
      kind: reportKinds[event.kind],
      path: asPath(path),
      reason,
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
  }));
  await tx.query(
    `INSERT INTO quarantined_event
     SELECT * FROM jsonb_populate_recordset(NULL::quarantined_event, $1::jsonb)`,
    [JSON.stringify(rows)],
  );
  await insertOriginals(tx, events);
}

async function insertOriginals(tx: pg.ClientBase, events: readonly IdentifiedEvent[]) {
  await tx.query(
    `INSERT INTO original_event (installation_id, event_key, received_at, envelope)
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::json[])`,
    [...keyColumns(events), events.map(({ original }) => JSON.stringify(original))],
  );
}

function keyColumns(
  events: readonly (IdentifiedEvent | Incumbent)[],
): [string[], string[], string[]] {
  return [
    events.map(({ installationId }) => installationId),
    events.map(({ eventKey }) => eventKey),
    events.map(({ receivedAt }) => new Date(receivedAt).toISOString()),
  ];
}

const MAX_PATH_LENGTH = 300;

/** Keys are the agent's to choose: what Postgres cannot hold is taken out, and the rest bounded. */
function asPath(path: string): string {
  return path.replaceAll('\u0000', '').toWellFormed().slice(0, MAX_PATH_LENGTH);
}
