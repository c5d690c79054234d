/** The start of the day `$1`, in UTC. */
export const MIDNIGHT = `($1::date::timestamp AT TIME ZONE 'UTC')`;
/** Reports or readings `r` that were observed on the day `$1`. */
export const OF_THE_DAY = `r.observed_at >= ${MIDNIGHT} AND r.observed_at < ${MIDNIGHT} + interval '1 day'`;
/** Products whose reports of the day are complete. A refresh leaves all others alone. */
export const WHOLE_PRODUCTS = `SELECT o.product FROM (SELECT DISTINCT product FROM origin) o
                  LEFT JOIN retention_floor f USING (product) WHERE f.day IS NULL OR f.day <= $1`;
/** Rows whose installation hash modulo `$2`, a power of two, is `$3`. */
export const OF_THE_PIECE = (table: string) =>
  `($2::integer = 1 OR uuid_hash(${table}.installation_id) & ($2::integer - 1) = $3::integer)`;
