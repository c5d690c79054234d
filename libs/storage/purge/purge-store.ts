import { randomUUID } from 'node:crypto';
import { reportKinds } from '#telemetry';
import { nameOf, recordGeneralAudit, type Actor } from '../database/audit-log.js';
import { IdleTokens, retryFailed, runNext } from '../database/claims.js';
import type { Database } from '../database/database.js';
import { announce } from '../database/listener.js';
import { PURGE_DELAY } from '../database/due-work.js';
import { queryRecords } from '../database/records.js';
import { workTables } from '../database/work-tables.js';
import { PURGE, type Purge, type PurgePage, type PurgeScope, type SentGroup } from './purge.js';
import { runPurge, type PurgeContext } from './run.js';

const KINDS = new Map(Object.entries(reportKinds).map(([name, kind]) => [String(kind), name]));

/** What write keys sent: shown, and removed where a key has leaked. */
export class PurgeStore {
  readonly #tokens = new IdleTokens();

  constructor(private readonly database: Database) {}

  /** The id that events of a write key carry, by the key's id or by itself; null where there is no such key. */
  async keyIdOf(key: string): Promise<string | null> {
    const { rows } = await this.database.query<{ key_id: string }>(
      `SELECT left(encode(digest, 'hex'), 16) AS key_id FROM ingest_key WHERE key_id::text = $1
        UNION SELECT key_id FROM origin WHERE key_id = $1 AND key_id <> '' LIMIT 1`,
      [key],
    );
    return rows[0]?.key_id ?? null;
  }

  /** What a key sent, by product, version and kind of event, the most first. Changes nothing. */
  async sent({ keyId, from, to }: PurgeScope): Promise<SentGroup[]> {
    const groups = await queryRecords<SentGroup>(
      this.database,
      `SELECT o.product, nullif(o.version, '') AS version, count(*)::int AS events,
              count(DISTINCT r.installation_id)::int AS installations, r.kind::text AS kind,
              min(r.received_at) AS "firstReceivedAt", max(r.received_at) AS "lastReceivedAt"
         FROM report r JOIN origin o USING (origin_id)
        WHERE r.received_at >= $2 AND r.received_at < $3 AND o.key_id = $1
        GROUP BY 1, 2, 5
        UNION ALL
       SELECT q.product, nullif(q.version, ''), count(*)::int, count(DISTINCT q.installation_id)::int,
              'quarantined', min(q.received_at), max(q.received_at)
         FROM quarantined_event q JOIN original_event o USING (installation_id, event_key, received_at)
        WHERE q.received_at >= $2 AND q.received_at < $3 AND o.envelope->>'key' = $1
        GROUP BY 1, 2
        ORDER BY 3 DESC, 1, 2, 5`,
      [keyId, from, to],
    );
    return groups.map((group) => ({ ...group, kind: KINDS.get(group.kind) ?? group.kind }));
  }

  /**
   * Requests a purge and records that, in one transaction. While an equal purge is in progress, returns that one;
   * resumes one that has failed.
   */
  async request(
    { keyId, from, to }: PurgeScope,
    actor: Actor,
  ): Promise<{ purge: Purge; isNew: boolean }> {
    const scope = [keyId, from, to];
    return this.database.transaction(async (tx) => {
      const record = async (purge: Purge) => {
        const detail = { purgeId: purge.id, keyId, from, to };
        await recordGeneralAudit(tx, { actor, act: 'purge.request', outcome: 'done', detail });
        await announce(tx, 'work');
        return { purge, isNew: true };
      };
      // Two that request the same at once must find each other.
      await tx.query('LOCK TABLE purge IN SHARE ROW EXCLUSIVE MODE');
      const [same] = await queryRecords<Purge>(
        tx,
        `SELECT ${PURGE} FROM purge WHERE key_id = $1 AND received_from = $2 AND received_to = $3
            AND state IN ('requested', 'running')`,
        scope,
      );
      if (same) return { purge: same, isNew: false };
      const [again] = await queryRecords<Purge>(tx, RETRY_FAILED, [...scope, nameOf(actor)]);
      if (again) return record(again);
      const [purge] = (await queryRecords<Purge>(
        tx,
        `INSERT INTO purge (purge_id, key_id, received_from, received_to, state, requested_at, requested_by)
         VALUES ($4, $1, $2, $3, 'requested', now(), $5) RETURNING ${PURGE}`,
        [...scope, randomUUID(), nameOf(actor)],
      )) as [Purge];
      return record(purge);
    });
  }

  async list({ state, after, limit }: PurgePage): Promise<Purge[]> {
    return queryRecords(
      this.database,
      `SELECT ${PURGE} FROM purge
        WHERE ($1::text IS NULL OR state = $1)
          AND ($2::uuid IS NULL OR (requested_at, purge_id) <
               (SELECT requested_at, purge_id FROM purge WHERE purge_id = $2))
        ORDER BY requested_at DESC, purge_id DESC LIMIT $3`,
      [state, after, limit],
    );
  }

  async get(id: string): Promise<Purge | null> {
    const [purge = null] = await queryRecords<Purge>(
      this.database,
      `SELECT ${PURGE} FROM purge WHERE purge_id = $1`,
      [id],
    );
    return purge;
  }

  /**
   * Carries out the purge that has waited longest and that no worker has claimed. A purge that made no progress
   * in the last attempts becomes `failed`, with an audit entry.
   * @returns its id; null if no purge is waiting
   */
  async runNext(context: PurgeContext): Promise<string | null> {
    return this.#tokens.lend('purges', (token) =>
      runNext<Purge, string>(this.database, workTables.purges, {
        ...{ record: PURGE, token, stopping: context.signal },
        condition: `received_to <= now() - ${PURGE_DELAY}`,
        work: async (purge, claim, signal) => {
          await this.database.hold(
            (client) => runPurge(client, { purge, claim }, { ...context, signal }),
            { name: 'purges' },
          );
          return purge.id;
        },
        recordFailed: (tx, purgeId, failure) =>
          recordGeneralAudit(tx, {
            ...{ actor: 'worker', act: 'purge.fail', outcome: 'failed' },
            detail: { purgeId, failure },
          }),
      }),
    );
  }

  /** Resumes a failed purge and records that, in one transaction. @returns null if it has not failed */
  async retry(purgeId: string, actor: Actor): Promise<Purge | null> {
    return this.database.transaction(async (tx) => {
      const purge = await retryFailed<Purge>(tx, workTables.purges, PURGE, purgeId);
      if (!purge) return null;
      const detail = { purgeId };
      await recordGeneralAudit(tx, { actor, act: 'purge.retry', outcome: 'done', detail });
      return purge;
    });
  }
}

/** The installations that it has taken events of are still known under its id. */
const RETRY_FAILED = `
  UPDATE purge
     SET state = 'requested', attempts = 0, failure = NULL, claimed_until = NULL,
         requested_at = now(), requested_by = $4
   WHERE purge_id = (SELECT purge_id FROM purge
                      WHERE key_id = $1 AND received_from = $2 AND received_to = $3 AND state = 'failed'
                      ORDER BY requested_at LIMIT 1)
  RETURNING ${PURGE}`;
