import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import type { CatalogueEntry, ProductCadence } from '#telemetry';
import { ensureApplicationRole } from './application-role.js';
import { writeCatalogue } from './metric-catalogue.js';
import { Database } from '../database/database.js';
import { withLockRetry } from '../database/transaction.js';
import { ensurePartitions } from '../database/partitions.js';
import { isCreatedByAnother } from '../database/postgres-errors.js';
import { dropPrivacyViews, makePrivacyViews } from './privacy-views.js';
import { ensureReaders, type ReaderLogins } from './reader-roles.js';
import { writeCadences } from '../rollups/cadences.js';

interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

export interface MigrateOptions {
  databaseUrl: string;
  /** Given to the role `analyst`, which may log in from then on. Left as it is when absent. */
  analystPassword?: string | undefined;
  /** If that role can already log in, its password is left as it is. */
  keepsAnalystPassword?: boolean | undefined;
  /** The same for the role `privacy_analyst`. */
  privacyAnalystPassword?: string | undefined;
  /** What counts fewer installations than that is left out of the schema `fleet_privacy`: 10. */
  privacyMinInstallations?: number | undefined;
  /** Given to the role `muster_app`, as whom the application connects. */
  appPassword?: string | undefined;
  /** Where that role can log in already, its password is left as it is. */
  keepsAppPassword?: boolean | undefined;
  /** What the metrics of all products mean, for analysts to read next to the figures. */
  catalogue?: readonly CatalogueEntry[];
  /** How often the installations of all products report; left as it is when absent. */
  cadences?: readonly ProductCadence[];
  /** Told of every migration that is applied. */
  log?: (line: string) => void;
}

export interface Migrated {
  /** The names of the migrations that were missing. */
  applied: string[];
  /** Whether the role `muster_app` has what it needs. */
  hasApplicationRole: boolean;
}

/** A migration may rewrite a large table, and waits for others that migrate. */
const NO_LIMIT = { statement_timeout: 0, lock_timeout: 0 };

/** The ledger of migrations, as `prisma migrate` creates it, so that either can carry on. */
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
 * Those that migrate a database at once do so one after the other. The lock lets rows be written, and unlike an
 * advisory lock it needs no right but those on the table, and no role that only reads can take it.
 */
const LEDGER_LOCK = 'LOCK TABLE _prisma_migrations IN SHARE UPDATE EXCLUSIVE MODE';

/**
 * Brings a database to the current schema: applies the migrations that it lacks, each in a
 * transaction, makes the coming partitions, and sees to the roles and to the schema `fleet_privacy`. Several
 * may call it at once. Throws if an applied migration was edited afterwards or is unknown here.
 */
export async function migrate(options: MigrateOptions): Promise<Migrated> {
  const { databaseUrl } = options;
  const database = new Database({ databaseUrl, name: 'muster-migrate', connections: 3 });
  try {
    await database.hold(makeLedger, { settings: NO_LIMIT });
    // The lock is held by a transaction on another connection, which outlasts those of the work.
    return await database.transaction(
      async (tx) => {
        await tx.query(LEDGER_LOCK);
        return database.hold((client) => bringUpToDate(client, options), { settings: NO_LIMIT });
      },
      { settings: { ...NO_LIMIT, idle_in_transaction_session_timeout: 0 } },
    );
  } finally {
    await database.close();
  }
}

async function makeLedger(client: pg.ClientBase): Promise<void> {
  try {
    await client.query(LEDGER);
  } catch (error) {
    if (!isCreatedByAnother(error)) throw error;
  }
}

async function bringUpToDate(client: pg.ClientBase, options: MigrateOptions): Promise<Migrated> {
  const { catalogue = [], cadences, log = () => undefined } = options;
  const { appPassword: password, keepsAppPassword: keepsPassword } = options;
  const applied = await applyMissing(client, options);
  await ensurePartitions(client);
  await writeCatalogue(client, catalogue);
  if (cadences) await writeCadences(client, cadences);
  const hasApplicationRole = await ensureApplicationRole(client, { password, keepsPassword, log });
  await letReadersIn(client, options);
  return { applied, hasApplicationRole };
}

async function letReadersIn(client: pg.ClientBase, options: MigrateOptions): Promise<void> {
  const { log = () => undefined } = options;
  await makePrivacyViews(client, options.privacyMinInstallations ?? 10);
  await ensureReaders(client, readerLogins(options), log);
}

function readerLogins(options: MigrateOptions): ReaderLogins {
  return {
    analyst: { password: options.analystPassword, keepsPassword: options.keepsAnalystPassword },
    privacy_analyst: { password: options.privacyAnalystPassword },
  };
}

async function applyMissing(client: pg.ClientBase, options: MigrateOptions): Promise<string[]> {
  const { log = () => undefined } = options;
  const { rows } = await client.query<{ migration_name: string; checksum: string }>(
    `SELECT migration_name, checksum FROM _prisma_migrations
      WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`,
  );
  const known = new Map(rows.map((row) => [row.migration_name, row.checksum]));
  const applied: string[] = [];
  for (const migration of await readMigrations()) {
    const checksum = known.get(migration.name);
    known.delete(migration.name);
    if (checksum === migration.checksum) continue;
    if (checksum !== undefined) {
      throw new Error(`The migration ${migration.name} was changed after it had been applied.`);
    }
    try {
      await apply(client, migration);
    } catch (error) {
      // The migrations before it stay, and so do readers.
      if (applied.length > 0) await letReadersIn(client, options).catch(() => undefined);
      throw error;
    }
    log(`applied migration ${migration.name}`);
    applied.push(migration.name);
  }
  for (const name of known.keys()) {
    throw new Error(`The database has the migration ${name}, which this version does not know.`);
  }
  return applied;
}

/** Waits for each lock only briefly, so that writers do not queue behind a migration that waits for a reader. */
async function apply(client: pg.ClientBase, { name, sql, checksum }: Migration): Promise<void> {
  try {
    await withLockRetry(client, undefined, async () => {
      // Its views are made of those that a migration may change.
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

async function readMigrations(): Promise<Migration[]> {
  const folder = findMigrations();
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(join(folder, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/** prisma/migrations of this installation, seen from the sources as from the build. */
function findMigrations(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'prisma', 'migrations'))) {
    if (folder === dirname(folder)) throw new Error('The folder prisma/migrations is missing.');
    folder = dirname(folder);
  }
  return join(folder, 'prisma', 'migrations');
}
