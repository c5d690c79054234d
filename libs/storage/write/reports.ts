import type pg from 'pg';
import type { Clock, UnderstoodEvent } from '#telemetry';
import { reportKinds, RESOURCE_FIGURES, resourceFigures } from '#telemetry';
import { partsOfAnEvent, removeEventRows } from '../database/event-rows.js';
import type { IdentifiedEvent } from './batch.js';
import { DUPLICATE_WINDOW_MS, type Incumbent } from './deduplicate.js';
import type { OriginOf } from './origins.js';

const CLOCKS: Record<Clock, number> = { agent: 0, corrected: 1, received: 2 };

/**
 * Looks up the stored copies of events, each by its key: OFFSET 0 keeps the planner, which may not know
 * yet how many rows there are, from reading a whole table instead. The installations must be locked.
 */
export async function findIncumbents(
  tx: pg.ClientBase,
  events: readonly IdentifiedEvent[],
): Promise<Incumbent[]> {
  if (events.length === 0) return [];
  const times = events.map(({ receivedAt }) => receivedAt);
  const earliest = times.reduce((a, b) => Math.min(a, b));
  const latest = times.reduce((a, b) => Math.max(a, b));
  const { rows } = await tx.query<FoundCopy>({
    name: 'find-incumbents',
    text: `
      SELECT k.installation_id, k.event_key, copy.*
        FROM unnest($1::uuid[], $2::bigint[]) AS k(installation_id, event_key)
       CROSS JOIN LATERAL (
             SELECT 'stored' AS fate, received_at, observed_at, snapshot_id FROM report r
              WHERE r.installation_id = k.installation_id AND r.event_key = k.event_key
                AND received_at BETWEEN $3 AND $4
              UNION ALL
             SELECT 'quarantined', received_at, observed_at, NULL FROM quarantined_event q
              WHERE q.installation_id = k.installation_id AND q.event_key = k.event_key
                AND received_at BETWEEN $3 AND $4
             OFFSET 0) AS copy`,
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

/** Removes all rows of stored or quarantined events. */
export async function removeEvents(tx: pg.ClientBase, events: readonly Incumbent[]): Promise<void> {
  if (events.length === 0) return;
  const tables = ['report', ...partsOfAnEvent, 'quarantined_event'];
  await removeEventRows(tx, tables, keyColumns(events));
}

/** Writes the reports, one narrow row each, and the figures of those that have some. */
export async function insertReports(
  tx: pg.ClientBase,
  events: readonly UnderstoodEvent[],
  originOf: OriginOf,
): Promise<void> {
  if (events.length === 0) return;
  await tx.query({
    name: 'insert-reports',
    text: `INSERT INTO report (installation_id, event_key, received_at, observed_at, snapshot_id,
                               origin_id, kind, clock)
           SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[],
                                $5::bigint[], $6::integer[], $7::smallint[], $8::smallint[])`,
    values: [
      ...keyColumns(events),
      events.map(({ observedAt }) => new Date(observedAt).toISOString()),
      events.map(({ snapshot }) => snapshot.id),
      events.map((event) => originOf(event)),
      events.map(({ kind }) => reportKinds[kind]),
      events.map(({ clock }) => CLOCKS[clock]),
    ],
  });
  await insertResources(tx, events, originOf);
  await insertVisits(tx, events, originOf);
}

const FIGURE_COLUMNS = resourceFigures.map((figure) => RESOURCE_FIGURES[figure].column);
const FIGURE_TYPES = resourceFigures.map((figure) =>
  RESOURCE_FIGURES[figure].unit === '1' ? 'integer' : 'float8',
);
const RESOURCE_COLUMNS = [
  ...['installation_id', 'event_key', 'received_at', 'observed_at', 'origin_id'],
  ...FIGURE_COLUMNS,
];
const RESOURCE_TYPES = ['uuid', 'bigint', 'timestamptz', 'timestamptz', 'integer', ...FIGURE_TYPES];
const INSERT_RESOURCES = `
  INSERT INTO resource_reading (${RESOURCE_COLUMNS.join(', ')})
  SELECT * FROM unnest(${RESOURCE_TYPES.map((type, at) => `$${at + 1}::${type}[]`).join(', ')})`;

async function insertResources(
  tx: pg.ClientBase,
  events: readonly UnderstoodEvent[],
  originOf: OriginOf,
): Promise<void> {
  const withFigures = events.filter(({ resources }) => resources !== undefined);
  if (withFigures.length === 0) return;
  await tx.query({
    name: 'insert-resources',
    text: INSERT_RESOURCES,
    values: [
      ...keyColumns(withFigures),
      withFigures.map(({ observedAt }) => new Date(observedAt).toISOString()),
      withFigures.map((event) => originOf(event)),
      ...resourceFigures.map((figure) =>
        withFigures.map(({ resources }) => resources?.[figure] ?? null),
      ),
    ],
  });
}

async function insertVisits(
  tx: pg.ClientBase,
  events: readonly UnderstoodEvent[],
  originOf: OriginOf,
): Promise<void> {
  const visits = events.filter(({ visitor }) => visitor !== undefined);
  if (visits.length === 0) return;
  await tx.query({
    name: 'insert-visits',
    text: `INSERT INTO ui_reading (installation_id, event_key, received_at, observed_at,
                  snapshot_id, user_key, visitor_key, origin_id)
           SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[],
                                $5::bigint[], $6::bigint[], $7::bigint[], $8::integer[])`,
    values: [
      ...keyColumns(visits),
      visits.map(({ observedAt }) => new Date(observedAt).toISOString()),
      visits.map(({ snapshot }) => snapshot.id),
      visits.map(({ visitor }) => visitor?.userKey ?? null),
      visits.map(({ visitor }) => visitor?.visitorKey ?? null),
      visits.map((event) => originOf(event)),
    ],
  });
}

/** Installation, event key and receive time of events, each as a column. */
export function keyColumns(
  events: readonly (IdentifiedEvent | Incumbent)[],
): [string[], string[], string[]] {
  return [
    events.map(({ installationId }) => installationId),
    events.map(({ eventKey }) => eventKey),
    events.map(({ receivedAt }) => new Date(receivedAt).toISOString()),
  ];
}
