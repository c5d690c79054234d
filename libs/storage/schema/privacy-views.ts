import { createHash } from 'node:crypto';
import pg from 'pg';
import { withLockRetry } from '../database/transaction.js';

/** Without groups of few installations. */
export const PRIVACY_SCHEMA = 'fleet_privacy';

interface CountingView {
  name: string;
  about: string;
  /** The column with the number. */
  counter: string;
  columns: { name: string; about: string }[];
}

/** The columns that count a row's installations. */
const COUNTERS = "'installations', 'active'";

/**
 * Rows that combine rare names count an installation once per name, so their count says nothing about the size of the
 * group. They have `*` in place of the version, and a view of their own.
 */
const IS_ONE_NAME = "product_version <> '*'";
const COMBINED = 'daily_others';

/**
 * Makes the schema `fleet_privacy`: of each view of `fleet` that counts installations, the same one
 * without its rows of fewer than `minInstallations`, and without rows that combine rare names. Views that show single
 * installations are not in it. It is recreated only if something has changed, because that waits for its readers.
 */
export async function makePrivacyViews(
  client: pg.ClientBase,
  minInstallations: number,
): Promise<void> {
  const views = await countingViews(client);
  const about = describe(views, minInstallations);
  if ((await commentOnSchema(client)) === about) return;
  const statements = [
    `DROP SCHEMA IF EXISTS ${PRIVACY_SCHEMA} CASCADE`,
    `CREATE SCHEMA ${PRIVACY_SCHEMA}`,
    ...views.flatMap((view) => statementsFor(view, minInstallations)),
    `COMMENT ON SCHEMA ${PRIVACY_SCHEMA} IS ${pg.escapeLiteral(about)}`,
  ];
  await withLockRetry(client, undefined, async () => {
    for (const statement of statements) await client.query(statement);
  });
}

/** Drops the schema. */
export async function dropPrivacyViews(client: pg.ClientBase): Promise<void> {
  await client.query(`DROP SCHEMA IF EXISTS ${PRIVACY_SCHEMA} CASCADE`);
}

/** The views that count installations in each row and show none. */
async function countingViews(client: pg.ClientBase): Promise<CountingView[]> {
  const { rows } = await client.query<CountingView>(`
    SELECT c.relname AS name, coalesce(obj_description(c.oid, 'pg_class'), '') AS about,
           min(a.attname) FILTER (WHERE a.attname IN (${COUNTERS})) AS counter,
           json_agg(json_build_object('name', a.attname,
                    'about', coalesce(col_description(c.oid, a.attnum), '')) ORDER BY a.attnum) AS columns
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
     WHERE c.relnamespace = 'fleet'::regnamespace AND c.relkind = 'v' AND c.relname <> '${COMBINED}'
     GROUP BY c.oid, c.relname
    HAVING bool_or(a.attname IN (${COUNTERS})) AND NOT bool_or(a.attname = 'installation_id')
     ORDER BY c.relname`);
  return rows;
}

async function commentOnSchema(client: pg.ClientBase): Promise<string | null> {
  const { rows } = await client.query<{ about: string | null }>(
    `SELECT obj_description(oid, 'pg_namespace') AS about FROM pg_namespace WHERE nspname = $1`,
    [PRIVACY_SCHEMA],
  );
  return rows[0]?.about ?? null;
}

/** The comment on the schema, with a digest of its definition. */
function describe(views: readonly CountingView[], minInstallations: number): string {
  const made = JSON.stringify([views, views.map((view) => conditionOf(view, minInstallations))]);
  const digest = createHash('sha256').update(made).digest('hex').slice(0, 12);
  return `The views of fleet without groups of fewer than ${minInstallations} installations (${digest}).`;
}

function conditionOf({ counter, columns }: CountingView, minInstallations: number): string {
  const isLarge = `${counter} >= ${Math.floor(minInstallations)}`;
  const hasVersion = columns.some((column) => column.name === 'product_version');
  return hasVersion ? `${isLarge} AND ${IS_ONE_NAME}` : isLarge;
}

function statementsFor(view: CountingView, minInstallations: number): string[] {
  const { name, about, columns } = view;
  const made = `${PRIVACY_SCHEMA}.${pg.escapeIdentifier(name)}`;
  const note = `${about} Rows of fewer than ${minInstallations} installations are left out.`;
  return [
    `CREATE VIEW ${made} AS SELECT * FROM fleet.${pg.escapeIdentifier(name)}
      WHERE ${conditionOf(view, minInstallations)}`,
    `COMMENT ON VIEW ${made} IS ${pg.escapeLiteral(note)}`,
    ...columns.map(
      (column) =>
        `COMMENT ON COLUMN ${made}.${pg.escapeIdentifier(column.name)} IS ${pg.escapeLiteral(column.about)}`,
    ),
  ];
}
