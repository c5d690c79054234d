import { reportKinds } from '#telemetry';
import { OF_THE_DAY, OF_THE_PIECE, WHOLE_PRODUCTS } from './day-window.js';

const { usage, error } = reportKinds;

/** Usage events and errors per installation and day. A separate table, because most installations have none. */
export const REFRESH_EVENTS = `
  WITH whole AS MATERIALIZED (${WHOLE_PRODUCTS}),
  counted AS (
    SELECT c.*, o.product
      FROM (SELECT r.installation_id, r.snapshot_id, r.origin_id, count(*)::int AS events
              FROM report r
             WHERE ${OF_THE_DAY} AND ${OF_THE_PIECE('r')} AND r.kind IN (${usage}, ${error})
             GROUP BY 1, 2, 3) c
      JOIN origin o USING (origin_id)
     WHERE o.product IN (SELECT product FROM whole)),
  fresh AS MATERIALIZED (
    SELECT installation_id, product, array_agg(snapshot_id ORDER BY snapshot_id, origin_id) AS contents,
           array_agg(origin_id ORDER BY snapshot_id, origin_id) AS origins,
           array_agg(events ORDER BY snapshot_id, origin_id) AS counts
      FROM counted GROUP BY 1, 2),
  written AS (
    INSERT INTO installation_day_events AS d (installation_id, product, day, contents, origins, counts)
    SELECT installation_id, product, $1, contents, origins, counts FROM fresh
        ON CONFLICT (installation_id, product, day) DO UPDATE
       SET contents = EXCLUDED.contents, origins = EXCLUDED.origins, counts = EXCLUDED.counts
     WHERE (d.contents, d.origins, d.counts)
           IS DISTINCT FROM (EXCLUDED.contents, EXCLUDED.origins, EXCLUDED.counts)
    RETURNING 1),
  removed AS (
    DELETE FROM installation_day_events d
     WHERE d.day = $1 AND d.product IN (SELECT product FROM whole) AND ${OF_THE_PIECE('d')}
       AND NOT EXISTS (SELECT FROM fresh f
                        WHERE f.installation_id = d.installation_id AND f.product = d.product)
    RETURNING 1)
  INSERT INTO rollup_stale AS s (day, part)
  SELECT $1, 2 WHERE EXISTS (SELECT FROM written) OR EXISTS (SELECT FROM removed)
      ON CONFLICT (day, part, modulus, remainder) DO UPDATE SET revision = s.revision + 1`;
