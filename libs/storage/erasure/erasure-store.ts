import { recordGeneralAudit, type Actor } from '../database/audit-log.js';
import { IdleTokens, retryFailed, runClaimed } from '../database/claims.js';
import type { Database } from '../database/database.js';
import { InstallationHasher } from '../database/installation-hash.js';
import { queryRecords } from '../database/records.js';
import type { ErasureCertificate } from './certificate.js';
import { claimGroup, type Group, type Stage } from './claim.js';
import { findPending, noteRewrite, type RewriteContext } from './log-rewrite.js';
import { ERASURE, type Erasure } from './erasure.js';
import { findKnown, requestErasure, type ErasureRequest } from './request.js';
import type { RunContext } from './context.js';
import { mostFailures, recordFailed } from './failed.js';
import { confirmSuppressions, erase, settle } from './run.js';
import { countRows, tablesOfInstallations } from '../database/installation-tables.js';
import { workTables } from '../database/work-tables.js';

export interface ErasureStoreOptions {
  database: Database;
  /** Under which suppressed installations are known. */
  suppressionKey: string;
}

/** What a worker brings along. */
export type WorkerContext = Omit<RunContext, 'client' | 'hasher'>;

export interface Progress {
  completed: string[];
  isIdle: boolean;
}

/** Where in a list of erasures to go on, newest first. */
export interface ErasurePage {
  state?: string | undefined;
  /** Only those of an installation that has, or had, one of these ids. */
  installationIds?: readonly string[] | undefined;
  /** The id of the last one of the page before. */
  after?: string | undefined;
  limit: number;
}

/** A pass over all reports may take minutes. */
const SETTINGS = { statement_timeout: 0, lock_timeout: 30_000 };

/** Erasures: asked for, carried out, and shown. */
export class ErasureStore {
  readonly #database: Database;
  readonly #hasher: InstallationHasher;
  readonly #tokens = new IdleTokens();

  constructor({ database, suppressionKey }: ErasureStoreOptions) {
    this.#database = database;
    this.#hasher = new InstallationHasher(suppressionKey);
  }

  /** Requests an erasure and records that, in one transaction: see `requestErasure`. */
  async request(
    request: ErasureRequest,
    actor: Actor,
  ): Promise<{ erasure: Erasure; isNew: boolean }> {
    const hasher = this.#hasher;
    return this.#database.transaction((tx) => requestErasure(tx, request, { hasher, actor }));
  }

  /** Resumes a failed erasure and records that, in one transaction. @returns null if it has not failed */
  async retry(erasureId: string, actor: Actor): Promise<Erasure | null> {
    return this.#database.transaction(async (tx) => {
      const erasure = await retryFailed<Erasure>(tx, workTables.erasures, ERASURE, erasureId);
      if (!erasure) return null;
      const { mode, installations } = erasure;
      const detail = { erasureId, mode, installations };
      await recordGeneralAudit(tx, { actor, act: 'erasure.retry', outcome: 'done', detail });
      return erasure;
    });
  }

  /** Those of these ids that have rows, or are suppressed. */
  async known(installationIds: readonly string[]): Promise<string[]> {
    return findKnown(this.#database, installationIds, this.#hasher);
  }

  async get(erasureId: string): Promise<Erasure | null> {
    const [erasure = null] = await queryRecords<Erasure>(
      this.#database,
      `SELECT ${ERASURE} FROM erasure WHERE erasure_id = $1`,
      [erasureId],
    );
    return erasure;
  }

  /** The signed certificate; null before the erasure is complete. */
  async certificate(erasureId: string): Promise<ErasureCertificate | null> {
    const { rows } = await this.#database.query<{
      certificate: ErasureCertificate | null;
      addendum: ErasureCertificate['addendum'] | null;
    }>('SELECT certificate, addendum FROM erasure WHERE erasure_id = $1', [erasureId]);
    const { certificate = null, addendum = null } = rows[0] ?? {};
    return certificate && addendum ? { ...certificate, addendum } : certificate;
  }

  async list({ state, installationIds, after, limit }: ErasurePage): Promise<Erasure[]> {
    const hashes = installationIds?.map((id) => this.#hasher.hash(id)) ?? null;
    return queryRecords(
      this.#database,
      `SELECT ${ERASURE} FROM erasure
        WHERE ($1::text IS NULL OR state = $1)
          AND ($4::bytea[] IS NULL OR erasure_id IN
               (SELECT erasure_id FROM erasure_subject WHERE installation_hash = ANY ($4)))
          AND ($2::uuid IS NULL OR (requested_at, erasure_id) <
               (SELECT requested_at, erasure_id FROM erasure WHERE erasure_id = $2))
        ORDER BY requested_at DESC, erasure_id DESC LIMIT $3`,
      [state, after, limit, hashes],
    );
  }

  /** How many rows an erasure would remove, by table. Changes nothing. */
  async count(
    installationIds: readonly string[],
    formerIds: readonly string[] = [],
  ): Promise<Record<string, number>> {
    return this.#database.hold(
      async (client) => {
        const known = await findKnown(client, formerIds, this.#hasher);
        const tables = await tablesOfInstallations(client);
        return countRows(client, tables, [...new Set([...installationIds, ...known])]);
      },
      { settings: SETTINGS },
    );
  }

  /**
   * Makes sure of the suppressions that have been asked for, and carries out what removes nothing. Soon
   * done, whatever else is being erased.
   * @returns the erasures that it has completed, and whether there was anything to do
   */
  async suppressNext(context: WorkerContext): Promise<Progress> {
    const confirmed = await this.#runGroup('suppress', confirmSuppressions, context);
    const settled = await this.#runGroup('settle', settle, context);
    return { completed: settled, isIdle: confirmed.length + settled.length === 0 };
  }

  /**
   * Claims the erasures that have waited longest and that no worker has claimed, and carries them out together.
   * @returns the erasures that it has completed, and whether there was anything to do
   */
  async eraseNext(context: WorkerContext): Promise<Progress> {
    const completed = await this.#runGroup('erase', erase, context);
    return { completed, isIdle: completed.length === 0 };
  }

  /**
   * Has Redis rewrite its append-only file where an erasure waits for it.
   * @returns the erasures whose certificates have an addendum now
   */
  async rewriteNext({ rewrite, addTo }: RewriteContext): Promise<Progress> {
    const before = await findPending(this.#database);
    const outcome = before ? await rewrite() : 'waiting';
    if (!before || outcome === 'waiting') return { completed: [], isIdle: true };
    const completed = await this.#database.transaction((tx) =>
      noteRewrite(tx, { before, outcome, addTo }),
    );
    return { completed, isIdle: false };
  }

  async #runGroup(
    stage: Stage,
    run: (group: Group, context: RunContext) => Promise<void>,
    context: WorkerContext,
  ): Promise<string[]> {
    const hasher = this.#hasher;
    const name = stage === 'erase' ? 'erasures' : 'suppressions';
    return this.#tokens.lend(stage, async (token) => {
      const group = await claimGroup(this.#database, stage, token);
      if (!group) return [];
      const work = (stopping: AbortSignal) =>
        this.#database.hold((client) => run(group, { ...context, client, hasher, stopping }), {
          ...{ settings: SETTINGS, name },
        });
      await runClaimed(this.#database, group, work, {
        stopping: context.stopping,
        mostFailures: (cause) => mostFailures(group, cause),
        recordFailed: (tx, id, failure) => recordFailed(tx, group, { id, failure, hasher }),
      });
      return [...group.ids];
    });
  }
}
