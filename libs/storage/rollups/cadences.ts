import type pg from 'pg';
import type { ProductCadence } from '#telemetry';
import { withRollupLock } from './lock.js';

/**
 * Stores the reporting cadence of each product. If the number of days after which a product's installations count as
 * silent has changed, the next refresh recomputes all daily sums of the product.
 */
export async function writeCadences(
  client: pg.ClientBase,
  cadences: readonly ProductCadence[],
): Promise<void> {
  await withRollupLock(client, async () => {
    await client.query(WRITE, [
      cadences.map(({ product }) => product),
      cadences.map(({ every }) => every),
      cadences.map(({ silentAfterDays }) => silentAfterDays),
    ]);
  });
  // Autovacuum skips tables as small as this one. Without statistics Postgres plans for a handful of installations
  // instead of a hundred thousand, and computing their gaps takes 1.5 times as long.
  await client.query('ANALYZE product_cadence');
}

/** An installation goes silent some days after its last one, so days after the last stored day are marked as well. */
const WRITE = `
  WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::integer[]) AS g(product, reports_every, silent_after_days)),
  other AS MATERIALIZED (
    SELECT product, coalesce(c.silent_after_days, 3) AS before, coalesce(g.silent_after_days, 3) AS after
      FROM given g FULL JOIN product_cadence c USING (product)
     WHERE coalesce(c.silent_after_days, 3) <> coalesce(g.silent_after_days, 3)),
  removed AS (DELETE FROM product_cadence WHERE product <> ALL ($1::text[])),
  written AS (
    INSERT INTO product_cadence SELECT * FROM given
        ON CONFLICT (product) DO UPDATE
       SET reports_every = EXCLUDED.reports_every, silent_after_days = EXCLUDED.silent_after_days),
  lives AS (
    UPDATE installation_life SET is_stale = true WHERE product IN (SELECT product FROM other))
  INSERT INTO rollup_stale AS s (day, part)
  SELECT DISTINCT d.day + later, 1
    FROM other o JOIN fleet_day d USING (product)
   CROSS JOIN LATERAL unnest(ARRAY[0, o.before, o.after]) AS later
   WHERE d.active > 0
      ON CONFLICT (day, part, modulus, remainder) DO UPDATE SET revision = s.revision + 1`;
