import type pg from 'pg';
import { SILENT } from './day-sum.js';

/** Each has between a few and thousands of days. */
const LIVES_AT_ONCE = 2000;

/** The key of a row of installation_life: an installation's first and last day, active days and returns. */
export interface Life {
  id: string;
  product: string;
}

/**
 * Recomputes the next stale lives and their upgrades from the installations' days, and removes lives without a day.
 * The transaction must hold the rollup lock.
 * @returns the last one, after which to continue; null at the end
 */
export async function refreshLives(tx: pg.ClientBase, after: Life | null): Promise<Life | null> {
  const { rows } = await tx.query<Life>(STALE_LIVES, [after?.id ?? null, after?.product ?? null]);
  const [first, last] = [rows[0], rows.at(-1)];
  if (!first || !last) return null;
  const lives = [rows.map(({ id }) => id), rows.map(({ product }) => product)];
  await tx.query(REFRESH_UPGRADES, lives);
  await tx.query(REFRESH_LIVES, lives);
  // By key range. With a list of keys, the planner may choose a nested loop over all stale rows: 76 s for 2,000 of
  // 38,000.
  await tx.query(REMOVE_LIVES, [first.id, first.product, last.id, last.product]);
  return rows.length === LIVES_AT_ONCE ? last : null;
}

const STALE_LIVES = `
  SELECT installation_id AS id, product FROM installation_life
   WHERE is_stale AND ($1::uuid IS NULL OR (installation_id, product) > ($1, $2::text))
   ORDER BY installation_id, product LIMIT ${LIVES_AT_ONCE}`;

/** All stale lives of the range have just been refreshed, so those that are still stale have no day. */
const REMOVE_LIVES = `
  DELETE FROM installation_life
   WHERE is_stale AND (installation_id, product) >= ($1::uuid, $2::text)
     AND (installation_id, product) <= ($3::uuid, $4::text)`;

/**
 * Parts of the statement that writes the rows of the day `$1`; `others` are the rows that are new or changed their
 * origin. A new day after all others of a life is added to it, because recomputing the life may read thousands of rows.
 * All other affected lives become stale.
 */
export const CONTINUE_LIVES = `
  continued AS MATERIALIZED (
    SELECT n.installation_id, n.product, l.last_day, l.last_origin_id, n.origin_id,
           $1 - l.last_day > ${SILENT} AS is_back, o.version <> last.version AS is_upgraded
      FROM others n JOIN installation_life l USING (installation_id, product)
      JOIN origin o ON o.origin_id = n.origin_id
      JOIN origin last ON last.origin_id = l.last_origin_id
      LEFT JOIN product_cadence c ON c.product = n.product
     WHERE n.is_new AND l.last_day < $1 AND NOT l.is_stale AND o.version <> '' AND last.version <> ''),
  lengthened AS (
    UPDATE installation_life l
       SET last_day = $1, last_origin_id = n.origin_id, active_days = l.active_days + 1,
           returns = l.returns + n.is_back::int
      FROM continued n WHERE l.installation_id = n.installation_id AND l.product = n.product),
  followed AS (
    UPDATE installation_upgrade u SET next_day = $1 FROM continued n
     WHERE u.installation_id = n.installation_id AND u.product = n.product AND u.day = n.last_day),
  upgraded AS (
    INSERT INTO installation_upgrade (installation_id, product, day, previous_day, from_origin_id, to_origin_id)
    SELECT installation_id, product, $1, last_day, last_origin_id, origin_id FROM continued WHERE is_upgraded),
  disturbed AS (
    INSERT INTO installation_life AS l (installation_id, product, first_day, last_day,
                                        first_origin_id, last_origin_id, active_days, returns)
    SELECT installation_id, product, $1, $1, 0, 0, 0, 0 FROM others o
     WHERE NOT EXISTS (SELECT FROM continued c
                        WHERE c.installation_id = o.installation_id AND c.product = o.product)
        ON CONFLICT (installation_id, product) DO UPDATE SET is_stale = true WHERE NOT l.is_stale)`;

const GIVEN = 'unnest($1::uuid[], $2::text[]) AS given(installation_id, product)';
/** The rows of a table that belong to the given lives, as `d`. `OFFSET 0` makes Postgres look up one life at a time. */
const OF_GIVEN = (table: string, columns: string) => `
  ${GIVEN} CROSS JOIN LATERAL (
       SELECT ${columns} FROM ${table} t
        WHERE t.installation_id = given.installation_id AND t.product = given.product OFFSET 0) d`;
const LIFE = 'PARTITION BY d.installation_id, d.product ORDER BY d.day';

/** A life that began before the first kept day keeps its stored beginning. */
const REFRESH_LIVES = `
  UPDATE installation_life l
     SET first_day = CASE WHEN l.first_day < s.days_since THEN l.first_day ELSE d.first_day END,
         first_origin_id = CASE WHEN l.first_day < s.days_since THEN l.first_origin_id ELSE d.first_origin_id END,
         last_day = d.last_day, last_origin_id = d.last_origin_id,
         active_days = d.active_days, returns = d.returns, is_stale = false
    FROM rollup_state s,
         (SELECT installation_id, product, min(day) AS first_day, max(day) AS last_day,
                 (array_agg(origin_id ORDER BY day))[1] AS first_origin_id,
                 (array_agg(origin_id ORDER BY day DESC))[1] AS last_origin_id,
                 count(*)::int AS active_days,
                 count(*) FILTER (WHERE day - previous > ${SILENT})::int AS returns
            FROM (SELECT d.*, lag(d.day) OVER (${LIFE}) AS previous
                    FROM ${OF_GIVEN('installation_day', 'installation_id, product, day, origin_id')}) g
            LEFT JOIN product_cadence c USING (product)
           GROUP BY 1, 2) d
   WHERE l.installation_id = d.installation_id AND l.product = d.product`;

const REFRESH_UPGRADES = `
  WITH fresh AS MATERIALIZED (
    SELECT installation_id, product, day, previous_day, next_day, from_origin_id, origin_id AS to_origin_id
      FROM (SELECT d.installation_id, d.product, d.day, d.origin_id, o.version,
                   lag(d.day) OVER life AS previous_day, lead(d.day) OVER life AS next_day,
                   lag(d.origin_id) OVER life AS from_origin_id, lag(o.version) OVER life AS from_version
              FROM ${OF_GIVEN('installation_day', 'installation_id, product, day, origin_id')}
              JOIN origin o USING (origin_id)
             WHERE o.version <> ''
            WINDOW life AS (${LIFE})) steps
     WHERE version <> from_version),
  removed AS (
    DELETE FROM installation_upgrade WHERE ctid = ANY (ARRAY(
      SELECT min(place)
        FROM (SELECT d.place, d.installation_id, d.product, d.day
                FROM ${OF_GIVEN('installation_upgrade', 'ctid AS place, installation_id, product, day')}
               UNION ALL
              SELECT NULL, installation_id, product, day FROM fresh) old_and_fresh
       GROUP BY installation_id, product, day HAVING count(*) = count(place))))
  INSERT INTO installation_upgrade AS u
         (installation_id, product, day, previous_day, next_day, from_origin_id, to_origin_id)
  SELECT * FROM fresh
      ON CONFLICT (installation_id, product, day) DO UPDATE
     SET previous_day = EXCLUDED.previous_day, next_day = EXCLUDED.next_day,
         from_origin_id = EXCLUDED.from_origin_id, to_origin_id = EXCLUDED.to_origin_id
   WHERE (u.previous_day, u.next_day, u.from_origin_id, u.to_origin_id) IS DISTINCT FROM
         (EXCLUDED.previous_day, EXCLUDED.next_day, EXCLUDED.from_origin_id, EXCLUDED.to_origin_id)`;
