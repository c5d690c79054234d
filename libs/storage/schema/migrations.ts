import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { isCreatedByAnother } from '../database/postgres-errors.js';
import { UnsuitableDatabase } from '../database/session-settings.js';
import { withLockRetry } from '../database/transaction.js';
import { dropPrivacyViews } from './privacy-views.js';
import { readMigrations, type SchemaFile } from './schema-files.js';

/** The ledger of migrations, as `prisma migrate` creates it, so that Prisma's tools can take over. */
const LEDGER = `
  CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id                  varchar(36)  PRIMARY KEY NOT NULL,
    checksum            varchar(64)  NOT NULL,
    finished_at         timestamptz,
    migration_name      varchar(255) NOT NULL,
    logs                text,
    rolled_back_at      timestamptz,
    started_at          timestamptz  NOT NULL DEFAULT now(),
    applied_steps_count integer      NOT NULL DEFAULT 0
  )`;

/**
 * Makes processes that migrate the same database wait for each other. The lock allows others to write rows; unlike an
 * advisory lock, roles that only read cannot take it.
 */
export const LEDGER_LOCK = 'LOCK TABLE _prisma_migrations IN SHARE UPDATE EXCLUSIVE MODE';

/** The first migration of unreleased versions. The current migrations replaced theirs. */
const UNRELEASED = '20261121000000_reports';

export async function ensureLedger(client: pg.ClientBase): Promise<void> {
  try {
    await client.query(LEDGER);
  } catch (error) {
    if (!isCreatedByAnother(error)) throw error;
  }
}

/**
 * Applies the missing migrations, each in its own transaction.
 *
 * @param onApplied called with the name of each
 * @throws UnsuitableDatabase if an unreleased version of Muster created the database
 * @throws if an applied migration was edited afterwards or is unknown
 */
export async function applyMigrations(
  client: pg.ClientBase,
  folder: string,
  onApplied: (name: string) => void,
): Promise<void> {
  const migrations = await readMigrations(folder);
  const applied = await appliedMigrations(client);
  refuseUnknown(migrations, [...applied.keys()]);
  for (const migration of migrations) {
    const checksum = applied.get(migration.name);
    if (checksum === migration.checksum) continue;
    if (checksum !== undefined) {
      throw new Error(`The migration ${migration.name} was changed after it had been applied.`);
    }
    await apply(client, migration);
    onApplied(migration.name);
  }
}

async function appliedMigrations(client: pg.ClientBase): Promise<Map<string, string>> {
  const { rows } = await client.query<{ migration_name: string; checksum: string }>(
    `SELECT migration_name, checksum FROM _prisma_migrations
      WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`,
  );
  return new Map(rows.map((row) => [row.migration_name, row.checksum]));
}

function refuseUnknown(migrations: readonly SchemaFile[], applied: readonly string[]): void {
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = applied.find((name) => !known.has(name));
  if (applied.includes(UNRELEASED)) {
    throw new UnsuitableDatabase(
      'The database was created by an unreleased version of Muster and cannot be upgraded. Use an empty database. ' +
        'If npm start created it, delete the folder .data, which deletes all stored data, and start again.',
    );
  }
  if (unknown !== undefined) {
    throw new Error(`The database has the migration ${unknown}, which this version does not know.`);
  }
}

/** Waits for each lock only briefly, so that writers do not queue behind a migration that waits for a reader. */
async function apply(client: pg.ClientBase, { name, sql, checksum }: SchemaFile): Promise<void> {
  try {
    await withLockRetry(client, undefined, async () => {
      // They depend on the views of fleet, which a migration may have to drop.
      await dropPrivacyViews(client);
      await client.query(sql);
      await client.query(
        `INSERT INTO _prisma_migrations
                (id, checksum, migration_name, finished_at, applied_steps_count)
         VALUES ($1, $2, $3, clock_timestamp(), 1)`,
        [randomUUID(), checksum, name],
      );
    });
  } catch (cause) {
    throw new Error(`The migration ${name} failed and was rolled back.`, { cause });
  }
}
