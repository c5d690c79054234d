import type pg from 'pg';

/**
 * Reads the lives that have changed anew from their days. A life without a day is none.
 * In a transaction that holds the lock of refreshes.
 */
export async function refreshLives(tx: pg.ClientBase): Promise<void> {
  await tx.query(REFRESH);
  await tx.query('DELETE FROM installation_life WHERE is_stale');
}

const REFRESH = `
  UPDATE installation_life l
     SET first_day = d.first_day, last_day = d.last_day, active_days = d.active_days, returns = d.returns,
         first_origin_id = first.origin_id, last_origin_id = last.origin_id, is_stale = false
    FROM (SELECT installation_id, product, min(day) AS first_day, max(day) AS last_day,
                 count(*)::int AS active_days,
                 count(*) FILTER (WHERE day - previous > coalesce(c.silent_after_days, 3))::int AS returns
            FROM (SELECT d.installation_id, d.product, d.day,
                         lag(d.day) OVER (PARTITION BY d.installation_id, d.product ORDER BY d.day) AS previous
                    FROM installation_life s JOIN installation_day d USING (installation_id, product)
                   WHERE s.is_stale) g
            LEFT JOIN product_cadence c USING (product)
           GROUP BY 1, 2) d
    JOIN installation_day first
      ON first.installation_id = d.installation_id AND first.product = d.product AND first.day = d.first_day
    JOIN installation_day last
      ON last.installation_id = d.installation_id AND last.product = d.product AND last.day = d.last_day
   WHERE l.installation_id = d.installation_id AND l.product = d.product`;
