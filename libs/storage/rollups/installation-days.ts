import type pg from 'pg';
import { reportKinds } from '#telemetry';
import { MIDNIGHT, OF_THE_DAY, OF_THE_PIECE, WHOLE_PRODUCTS } from './day-window.js';
import { partNumbers } from './day-sums.js';
import { REFRESH_EVENTS } from './installation-events.js';
import { CONTINUE_LIVES } from './lives.js';

const { health, mesos_track, package_list, ui, metrics } = reportKinds;

const FIGURES = [
  ...[
    'agents_active',
    'agents_connected',
    'task_count',
    'framework_count',
    'cpu_total',
    'cpu_used',
  ],
  ...['cpu_percent', 'mem_total_mb', 'mem_used_mb', 'disk_total_mb', 'disk_used_mb'],
];
/** The columns of installation_day after its key. */
const COLUMNS = [
  ...['health_id', 'package_id', 'framework_id', 'metric_id', 'origin_id', 'origins', 'reports'],
  ...['hours', 'first_ms', 'last_ms', 'ui_users', 'ui_logins', 'ui_logouts', 'ui_page_views'],
  'opted_out',
  ...FIGURES,
];
const KEY = ['installation_id', 'product', 'day'];
const list = (columns: readonly string[], of = '') => columns.map((c) => `${of}${c}`).join(', ');

const lastOf = (kind: number) =>
  `(array_agg(snapshot_id ORDER BY last DESC) FILTER (WHERE kind = ${kind}))[1]`;

const MS = (time: string) => `(date_part('epoch', ${time}) * 1000)::bigint`;
const TIME = (ms: string) => `timestamptz 'epoch' + ${ms} * interval '1 millisecond'`;

/**
 * Groups reports by snapshot first, because most of 24 hourly reports are equal. `last` is the latest report's observation
 * time, its event key, which breaks ties, and its receive time.
 */
const SEEN = `
  SELECT c.*, o.product, o.description
    FROM (SELECT r.installation_id, r.kind, r.snapshot_id, r.origin_id, count(*) AS reports,
                 bit_or(1 << date_part('hour', r.observed_at AT TIME ZONE 'UTC')::int) AS hours,
                 min(r.observed_at) AS first,
                 max(ARRAY[${MS('r.observed_at')}, r.event_key, ${MS('r.received_at')}]) AS last
            FROM report r WHERE ${OF_THE_DAY} AND ${OF_THE_PIECE('r')}
           GROUP BY 1, 2, 3, 4) c
    JOIN described o USING (origin_id)
   WHERE o.product IN (SELECT product FROM whole)`;

/** Origins that differ only by write key describe an installation equally. The lowest id represents them. */
const DESCRIBED = `
  SELECT origin_id, product,
         min(origin_id) OVER (PARTITION BY product, version, variant, provider, platform, source) AS description
    FROM origin`;

const REPORTED = `
  SELECT installation_id, product,
         ${lastOf(health)} AS health_id, ${lastOf(package_list)} AS package_id,
         ${lastOf(mesos_track)} AS framework_id, ${lastOf(metrics)} AS metric_id,
         (array_agg(origin_id ORDER BY kind = ${ui}, last DESC))[1] AS origin_id,
         (count(DISTINCT description) FILTER (WHERE kind <> ${ui}))::smallint AS origins,
         sum(reports)::int AS reports, bit_or(hours) AS hours,
         (date_part('epoch', min(first) - ${MIDNIGHT}) * 1000)::int AS first_ms,
         (max(last[1]) - date_part('epoch', ${MIDNIGHT}) * 1000)::int AS last_ms
    FROM seen GROUP BY 1, 2`;

/** As in fleet.ui_events: page views that a browser repeats within two seconds count once. */
const VISITED = `
  SELECT r.installation_id, o.product, count(DISTINCT r.user_key)::int AS ui_users,
         count(*) FILTER (WHERE s.action = 'login')::int AS ui_logins,
         count(*) FILTER (WHERE s.action = 'logout')::int AS ui_logouts,
         count(*) FILTER (WHERE s.action = 'page_view')::int AS ui_page_views
    FROM ui_reading r JOIN origin o USING (origin_id) JOIN ui_snapshot s USING (snapshot_id)
   WHERE ${OF_THE_DAY} AND ${OF_THE_PIECE('r')}
     AND NOT EXISTS (
         SELECT FROM ui_reading e
          WHERE s.action = 'page_view'
            AND e.observed_at >= ${MIDNIGHT} - interval '2 seconds'
            AND e.observed_at < ${MIDNIGHT} + interval '1 day'
            AND e.installation_id = r.installation_id AND e.visitor_key = r.visitor_key
            AND e.snapshot_id = r.snapshot_id
            AND e.observed_at BETWEEN r.observed_at - interval '2 seconds' AND r.observed_at
            AND (e.observed_at, e.event_key) < (r.observed_at, r.event_key))
   GROUP BY 1, 2`;

/** Whether the day ended with an opt-out. */
const CONSENTED = `
  SELECT DISTINCT ON (r.installation_id, r.product) r.installation_id, r.product, r.opted_out AS left_with
    FROM consent_event r
   WHERE ${OF_THE_DAY} AND ${OF_THE_PIECE('r')}
   ORDER BY r.installation_id, r.product, r.observed_at DESC, r.event_key DESC`;

const MEASURED = `
  SELECT DISTINCT ON (r.installation_id, o.product)
         r.installation_id, o.product, r.event_key, r.received_at, r.observed_at, r.origin_id AS measured_origin_id,
         ${list(FIGURES, 'r.')}
    FROM resource_reading r JOIN origin o USING (origin_id)
   WHERE ${OF_THE_DAY} AND ${OF_THE_PIECE('r')}
   ORDER BY r.installation_id, o.product, r.observed_at DESC, r.event_key DESC`;

/** The day's latest report of each state kind and, as kind 0, the latest resource reading. */
const LATEST = `
  SELECT DISTINCT ON (installation_id, product, kind) installation_id, product, kind, snapshot_id,
         last[2] AS event_key, ${TIME('last[3]')} AS received_at, ${TIME('last[1]')} AS observed_at, origin_id
    FROM seen WHERE kind IN (${[health, package_list, mesos_track, metrics].join()})
   ORDER BY installation_id, product, kind, last DESC`;
const LATEST_COLUMNS = ['snapshot_id', 'event_key', 'received_at', 'observed_at', 'origin_id'];
const DAY_OF_LATEST = `(l.observed_at AT TIME ZONE 'UTC')::date`;

/**
 * Writes only rows that have changed, and marks the affected sums and lives as stale. An installation that appears,
 * disappears, opts out or changes its origin on a day also affects the sums of other days.
 */
const REFRESH = `
  WITH whole AS MATERIALIZED (${WHOLE_PRODUCTS}),
  described AS MATERIALIZED (${DESCRIBED}),
  seen AS MATERIALIZED (${SEEN}),
  measured AS MATERIALIZED (${MEASURED}),
  fresh AS MATERIALIZED (
    SELECT $1::date AS day, coalesce(left_with, false) AS opted_out, *
      FROM (${REPORTED}) r
      LEFT JOIN (${CONSENTED}) c USING (installation_id, product)
      LEFT JOIN (${VISITED}) v USING (installation_id, product)
      LEFT JOIN measured m USING (installation_id, product)),
  latest AS MATERIALIZED (
    (${LATEST})
     UNION ALL
    SELECT installation_id, product, 0, NULL, event_key, received_at, observed_at, measured_origin_id
      FROM measured WHERE product IN (SELECT product FROM whole)),
  pointed AS (
    INSERT INTO installation_latest AS l (installation_id, product, kind, ${list(LATEST_COLUMNS)})
    SELECT * FROM latest
        ON CONFLICT (installation_id, product, kind) DO UPDATE
       SET (${list(LATEST_COLUMNS)}) = (${list(LATEST_COLUMNS, 'EXCLUDED.')})
     WHERE ${DAY_OF_LATEST} <= $1 AND (${list(LATEST_COLUMNS, 'l.')})
           IS DISTINCT FROM (${list(LATEST_COLUMNS, 'EXCLUDED.')})),
  changed AS MATERIALIZED (
    SELECT ${list([...KEY, ...COLUMNS], 'f.')}, 
           (d.origin_id, d.opted_out) IS DISTINCT FROM (f.origin_id, f.opted_out) AS is_other,
           d.day IS NULL AS is_new
      FROM fresh f
      LEFT JOIN installation_day d
             ON d.installation_id = f.installation_id AND d.product = f.product AND d.day = $1
     WHERE (${list(COLUMNS, 'd.')}) IS DISTINCT FROM (${list(COLUMNS, 'f.')})),
  written AS (
    INSERT INTO installation_day (${list([...KEY, ...COLUMNS])})
    SELECT ${list([...KEY, ...COLUMNS])} FROM changed
        ON CONFLICT (${list(KEY)}) DO UPDATE
       SET (${list(COLUMNS)}) = (${list(COLUMNS, 'EXCLUDED.')})),
  removed AS (
    DELETE FROM installation_day d
     WHERE d.day = $1 AND d.product IN (SELECT product FROM whole) AND ${OF_THE_PIECE('d')}
       AND NOT EXISTS (SELECT FROM fresh f
                        WHERE f.installation_id = d.installation_id AND f.product = d.product)
    RETURNING 1),
  others AS MATERIALIZED (SELECT installation_id, product, origin_id, is_new FROM changed WHERE is_other),
  ${CONTINUE_LIVES},
  stale AS (
    INSERT INTO rollup_stale AS s (day, part)
    SELECT $1, p FROM unnest(ARRAY[${partNumbers.join()}]) AS p WHERE EXISTS (SELECT FROM changed)
     UNION
    SELECT a.day, 1 FROM others o
     CROSS JOIN LATERAL days_around(o.installation_id, o.product, $1) AS a(day)
        ON CONFLICT (day, part, modulus, remainder) DO UPDATE SET revision = s.revision + 1)
  SELECT (SELECT count(*) FROM changed)::int + (SELECT count(*) FROM removed)::int AS rows,
         EXISTS (
           SELECT FROM installation_latest l
            WHERE ${DAY_OF_LATEST} = $1 AND l.product IN (SELECT product FROM whole)
              AND ${OF_THE_PIECE('l')}
              AND NOT EXISTS (SELECT FROM latest t
                               WHERE (t.installation_id, t.product, t.kind)
                                   = (l.installation_id, l.product, l.kind))) AS has_lost`;

/**
 * If the latest report was on this day and has been deleted, falls back to the previous one. Each is looked up by its
 * installation, because the planner may choose a nested loop for a join of two lists.
 */
const FIND_LOST = `
  WITH lost AS MATERIALIZED (
    SELECT l.installation_id, l.product, l.kind
      FROM installation_latest l
     WHERE ${DAY_OF_LATEST} = $1 AND l.product IN (${WHOLE_PRODUCTS}) AND ${OF_THE_PIECE('l')}
       AND NOT EXISTS (SELECT FROM report r
                        WHERE r.installation_id = l.installation_id AND r.event_key = l.event_key
                          AND r.received_at = l.received_at)),
  found AS MATERIALIZED (
    SELECT lost.*, ${list(LATEST_COLUMNS, 'r.')}
      FROM lost
      LEFT JOIN LATERAL (
           SELECT ${list(LATEST_COLUMNS, 'a.')}
             FROM (SELECT installation_id, kind, ${list(LATEST_COLUMNS)} FROM report
                    UNION ALL
                   SELECT installation_id, 0, NULL, event_key, received_at, observed_at, origin_id
                     FROM resource_reading) a
             JOIN origin o USING (origin_id)
            WHERE a.installation_id = lost.installation_id AND a.kind = lost.kind AND o.product = lost.product
            ORDER BY a.observed_at DESC, a.event_key DESC LIMIT 1) r ON true),
  removed AS (
    DELETE FROM installation_latest l USING found f
     WHERE (l.installation_id, l.product, l.kind) = (f.installation_id, f.product, f.kind)
       AND f.event_key IS NULL)
  UPDATE installation_latest l SET (${list(LATEST_COLUMNS)}) = (${list(LATEST_COLUMNS, 'f.')})
    FROM found f
   WHERE (l.installation_id, l.product, l.kind) = (f.installation_id, f.product, f.kind)
     AND f.event_key IS NOT NULL`;

/** A part of a day's installations, selected by hash. */
export interface Piece {
  day: string;
  /** A power of two: 1 is the whole day. */
  modulus: number;
  remainder: number;
}

/**
 * Recomputes the installations' days of a piece from their reports. The transaction must hold the rollup lock, and the
 * day's marks must have been removed before, so that every later commit leaves a new mark.
 * @returns how many rows changed
 */
export async function refreshInstallationDays(
  tx: pg.ClientBase,
  { day, modulus, remainder }: Piece,
): Promise<number> {
  const piece = [day, modulus, remainder];
  // Without statistics on a new day, the planner estimates 1 row instead of 10,000 and chooses nested loops.
  await tx.query('SET LOCAL enable_nestloop = off');
  const { rows } = await tx.query<{ rows: number; has_lost: boolean }>(REFRESH, piece);
  await tx.query(REFRESH_EVENTS, piece);
  await tx.query('SET LOCAL enable_nestloop = on');
  if (rows[0]?.has_lost) await tx.query(FIND_LOST, piece);
  return rows[0]?.rows ?? 0;
}
