import type pg from 'pg';
import type { CatalogueEntry, ProductCadence } from '#telemetry';
import { ensureApplicationRole } from './application-role.js';
import { writeCatalogue } from './metric-catalogue.js';
import { Database } from '../database/database.js';
import { ensurePartitions } from '../database/partitions.js';
import { applyMigrations, ensureLedger, LEDGER_LOCK } from './migrations.js';
import { makePrivacyViews } from './privacy-views.js';
import { ensureReaders, type ReaderLogins } from './reader-roles.js';
import { findSchemaFolder } from './schema-files.js';
import { applyViews } from './views.js';
import { writeCadences } from '../rollups/cadences.js';

export interface MigrateOptions {
  databaseUrl: string;
  /** The folder with `migrations` and `views`; by default `prisma` of this installation. */
  folder?: string | undefined;
  /** Password of the role `analyst`, which can log in from then on. If absent, nothing changes. */
  analystPassword?: string | undefined;
  /** If that role can already log in, its password is not changed. */
  keepsAnalystPassword?: boolean | undefined;
  /** The same for the role `privacy_analyst`. */
  privacyAnalystPassword?: string | undefined;
  /** Groups with fewer installations are not in the schema `fleet_privacy`; 10 by default. */
  privacyMinInstallations?: number | undefined;
  /** Password of the role `muster_app`, which the application connects as. */
  appPassword?: string | undefined;
  /** If that role can already log in, its password is not changed. */
  keepsAppPassword?: boolean | undefined;
  /** The declared metrics of all products; they replace those in the database. */
  catalogue?: readonly CatalogueEntry[];
  /** How often the installations of all products report. If absent, nothing changes. */
  cadences?: readonly ProductCadence[];
  /** Called for each applied migration, and if a role could not be set up. */
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

/**
 * Brings a database to the current schema: applies missing migrations and changed views, creates the next partitions,
 * and sets up the roles and the schema `fleet_privacy`. Several processes may call it at the same time.
 *
 * @throws UnsuitableDatabase if an unreleased version of Muster created the database
 * @throws if an applied migration was edited afterwards or is unknown here
 */
export async function migrate(options: MigrateOptions): Promise<Migrated> {
  const { databaseUrl } = options;
  const database = new Database({ databaseUrl, name: 'muster-migrate', connections: 3 });
  try {
    await database.hold(ensureLedger, { settings: NO_LIMIT });
    // The transaction that holds the lock is on another connection, and lasts longer than those of the work.
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

async function bringUpToDate(client: pg.ClientBase, options: MigrateOptions): Promise<Migrated> {
  const { catalogue = [], cadences, log = () => undefined } = options;
  const { appPassword: password, keepsAppPassword: keepsPassword } = options;
  const applied = await applySchema(client, options);
  await ensurePartitions(client);
  await writeCatalogue(client, catalogue);
  if (cadences) await writeCadences(client, cadences);
  const hasApplicationRole = await ensureApplicationRole(client, { password, keepsPassword, log });
  await letReadersIn(client, options);
  return { applied, hasApplicationRole };
}

/** @returns the names of the migrations that were missing */
async function applySchema(client: pg.ClientBase, options: MigrateOptions): Promise<string[]> {
  const { folder = findSchemaFolder(), log = () => undefined } = options;
  const applied: string[] = [];
  try {
    await applyMigrations(client, folder, (name) => {
      log(`applied migration ${name}`);
      applied.push(name);
    });
    await applyViews(client, folder);
    return applied;
  } catch (error) {
    // Earlier migrations stay applied, and they have dropped the privacy views.
    if (applied.length > 0) await letReadersIn(client, options).catch(() => undefined);
    throw error;
  }
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
