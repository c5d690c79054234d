import pg from 'pg';
import { withLockRetry } from '../database/transaction.js';
import { dropPrivacyViews } from './privacy-views.js';
import { readViews, type SchemaFile } from './schema-files.js';

/** SQLSTATE: CREATE OR REPLACE VIEW can only add columns at the end. */
const OTHER_COLUMNS = '42P16';

/**
 * Creates the views whose files are new or have changed, and drops those whose files are gone, in one transaction.
 * Other views are not locked. A view that loses or changes a column is dropped and created again, with the views that
 * depend on it and their grants.
 *
 * @throws if a view that is not ours depends on a view that has to be dropped
 */
export async function applyViews(client: pg.ClientBase, folder: string): Promise<void> {
  const views = await readViews(folder);
  const known = await appliedViews(client);
  const isCurrent = ({ name, checksum }: SchemaFile) => known.get(name) === checksum;
  if (views.every(isCurrent) && views.length === known.size) return;
  const names = new Set(views.map(({ name }) => name));
  const removed = [...known.keys()].filter((name) => !names.has(name));
  let current = removed.join();
  try {
    await withLockRetry(client, undefined, async () => {
      // Names have to be qualified: the order of the views is derived from them.
      await client.query('SET LOCAL search_path = pg_catalog');
      const grants = await dropWithDependents(client, removed);
      for (const view of views) {
        if (isCurrent(view) && !grants.has(view.name)) continue;
        current = view.name;
        await createView(client, view, grants);
      }
      await recordViews(client, views);
    });
  } catch (cause) {
    throw new Error(`The view ${current} could not be updated. All views were left unchanged.`, {
      cause,
    });
  }
}

/** The checksums of our views. A view that a migration has dropped has none. */
async function appliedViews(client: pg.ClientBase): Promise<Map<string, string>> {
  const { rows } = await client.query<{ name: string; checksum: string }>(
    `SELECT name, CASE WHEN to_regclass(name) IS NULL THEN '' ELSE checksum END AS checksum FROM public.applied_view`,
  );
  return new Map(rows.map(({ name, checksum }) => [name, checksum]));
}

async function recordViews(client: pg.ClientBase, views: readonly SchemaFile[]): Promise<void> {
  const names = views.map(({ name }) => name);
  const checksums = views.map(({ checksum }) => checksum);
  await client.query('DELETE FROM public.applied_view WHERE name <> ALL ($1)', [names]);
  await client.query(
    `INSERT INTO public.applied_view (name, checksum) SELECT * FROM unnest($1::text[], $2::text[])
         ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum`,
    [names, checksums],
  );
}

/** @param grants of the views that were dropped; views that this one drops are added */
async function createView(
  client: pg.ClientBase,
  view: SchemaFile,
  grants: Map<string, string[]>,
): Promise<void> {
  if (!(await replaceView(client, view))) {
    const dropped = await dropWithDependents(client, [view.name]);
    for (const [name, statements] of dropped) grants.set(name, statements);
    await client.query(view.sql);
  }
  for (const grant of grants.get(view.name) ?? []) await client.query(grant);
}

/** @returns false if the view exists with other columns */
async function replaceView(client: pg.ClientBase, { sql }: SchemaFile): Promise<boolean> {
  try {
    await client.query(`SAVEPOINT replaced; ${sql}\n; RELEASE SAVEPOINT replaced`);
    return true;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError && error.code === OTHER_COLUMNS)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT replaced');
    return false;
  }
}

interface DroppedView {
  name: string;
  grants: string[];
  is_ours: boolean;
}

/**
 * Drops views and all views that depend on them.
 * @returns the dropped views, with the statements that restore their grants
 */
async function dropWithDependents(
  client: pg.ClientBase,
  names: readonly string[],
): Promise<Map<string, string[]>> {
  if (names.length === 0) return new Map();
  await dropPrivacyViews(client);
  const { rows } = await client.query<DroppedView>(
    `WITH RECURSIVE dropped (oid) AS (
       SELECT to_regclass(name)::oid FROM unnest($1::text[]) AS n(name) WHERE to_regclass(name) IS NOT NULL
        UNION
       SELECT w.ev_class FROM dropped v
         JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = v.oid
         JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid)
     SELECT oid::regclass::text AS name, oid::regclass::text IN (SELECT a.name FROM public.applied_view a) AS is_ours,
            ARRAY(SELECT format('GRANT %s ON %s TO %s%s', privilege_type, oid::regclass,
                                CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
                                CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END)
                    FROM aclexplode(relacl) WHERE grantee <> relowner) AS grants
       FROM dropped JOIN pg_class USING (oid)`,
    [names],
  );
  const others = rows.filter(({ is_ours }) => !is_ours).map(({ name }) => name);
  if (others.length > 0) {
    throw new Error(
      `${names.join(', ')} must be dropped, and ${others.join(', ')} depends on it. Drop that first, and create it again afterwards.`,
    );
  }
  if (rows.length > 0) await client.query(`DROP VIEW ${rows.map(({ name }) => name).join()}`);
  return new Map(rows.map(({ name, grants }) => [name, grants]));
}
