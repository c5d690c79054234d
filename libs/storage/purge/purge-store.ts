import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { reportKinds } from '#telemetry';
import { nameOf, recordGeneralAct, type Actor } from '../database/audit-log.js';
import type { Database } from '../database/database.js';
import { announce } from '../database/listener.js';
import { PURGE_DELAY } from '../database/due-work.js';
import { isConnectionLoss } from '../database/postgres-errors.js';
import {
  toPurge,
  type Purge,
  type PurgePage,
  type PurgeRow,
  type PurgeScope,
  type SentGroup,
} from './purge.js';
import { CLAIM, QueueNotEmptied, runPurge, type PurgeContext } from './run.js';

const KINDS = new Map(Object.entries(reportKinds).map(([name, kind]) => [String(kind), name]));

/** What write keys sent: shown, and removed where a key has leaked. */
export class PurgeStore {
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
    const { rows } = await this.database.query<SentRow>(
      `SELECT o.product, nullif(o.version, '') AS version, r.kind::text AS kind, count(*)::int AS events,
              count(DISTINCT r.installation_id)::int AS installations,
              min(r.received_at) AS first, max(r.received_at) AS last
         FROM report r JOIN origin o USING (origin_id)
        WHERE r.received_at >= $2 AND r.received_at < $3 AND o.key_id = $1
        GROUP BY 1, 2, 3
        UNION ALL
       SELECT q.product, nullif(q.version, ''), 'quarantined', count(*)::int,
              count(DISTINCT q.installation_id)::int, min(q.received_at), max(q.received_at)
         FROM quarantined_event q JOIN original_event o USING (installation_id, event_key, received_at)
        WHERE q.received_at >= $2 AND q.received_at < $3 AND o.envelope->>'key' = $1
        GROUP BY 1, 2
        ORDER BY 4 DESC, 1, 2, 3`,
      [keyId, from, to],
    );
    return rows.map(({ first, last, kind, ...group }) => ({
      ...group,
      kind: KINDS.get(kind) ?? kind,
      firstReceivedAt: first.toISOString(),
      lastReceivedAt: last.toISOString(),
    }));
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
      const record = async (row: PurgeRow | undefined) => {
        const purge = toPurge(row as PurgeRow);
        const detail = { purgeId: purge.id, keyId, from, to };
        await recordGeneralAct(tx, { actor, act: 'purge.request', outcome: 'done', detail });
        await announce(tx, 'work');
        return { purge, isNew: true };
      };
      // Two that request the same at once must find each other.
      await tx.query('LOCK TABLE purge IN SHARE ROW EXCLUSIVE MODE');
      const { rows: same } = await tx.query<PurgeRow>(
        `SELECT * FROM purge WHERE key_id = $1 AND received_from = $2 AND received_to = $3
            AND state IN ('requested', 'running')`,
        scope,
      );
      if (same[0]) return { purge: toPurge(same[0]), isNew: false };
      const { rows: again } = await tx.query<PurgeRow>(RETRY_FAILED, [...scope, nameOf(actor)]);
      if (again[0]) return record(again[0]);
      const { rows } = await tx.query<PurgeRow>(
        `INSERT INTO purge (purge_id, key_id, received_from, received_to, state, requested_at, requested_by)
         VALUES ($4, $1, $2, $3, 'requested', now(), $5) RETURNING *`,
        [...scope, randomUUID(), nameOf(actor)],
      );
      return record(rows[0]);
    });
  }

  async list({ state, after, limit }: PurgePage): Promise<Purge[]> {
    const { rows } = await this.database.query<PurgeRow>(
      `SELECT * FROM purge
        WHERE ($1::text IS NULL OR state = $1)
          AND ($2::uuid IS NULL OR (requested_at, purge_id) <
               (SELECT requested_at, purge_id FROM purge WHERE purge_id = $2))
        ORDER BY requested_at DESC, purge_id DESC LIMIT $3`,
      [state, after, limit],
    );
    return rows.map(toPurge);
  }

  async get(id: string): Promise<Purge | null> {
    const { rows } = await this.database.query<PurgeRow>(
      'SELECT * FROM purge WHERE purge_id = $1',
      [id],
    );
    return rows[0] ? toPurge(rows[0]) : null;
  }

  /**
   * Carries out the purge that has waited longest and that no worker has claimed. A purge that made no progress
   * in the last attempts becomes `failed`.
   * @returns its id; null if no purge is waiting
   */
  async runNext(context: PurgeContext): Promise<string | null> {
    const { rows } = await this.database.query<PurgeRow>(CLAIM_NEXT, [randomUUID()]);
    const [purge] = rows;
    if (!purge || purge.state === 'failed') return null;
    const renewal = setInterval(() => void this.#renew(purge).catch(() => undefined), RENEW_MS);
    try {
      await this.database.hold((client) => runPurge(client, purge, context), { name: 'purges' });
      return purge.purge_id;
    } catch (error) {
      await this.#release(purge, error, context.signal.aborted);
      throw error;
    } finally {
      clearInterval(renewal);
    }
  }

  async #renew({ purge_id, claimed_by }: PurgeRow): Promise<void> {
    await this.database.query(
      // Skips it while a step has locked it: the step renews it itself.
      `UPDATE purge SET claimed_until = ${CLAIM}
        WHERE purge_id = (SELECT purge_id FROM purge WHERE purge_id = $1 AND claimed_by = $2
                             FOR NO KEY UPDATE SKIP LOCKED)`,
      [purge_id, claimed_by],
    );
  }

  async #release(
    { purge_id, claimed_by }: PurgeRow,
    error: unknown,
    isStopping: boolean,
  ): Promise<void> {
    const claim = [purge_id, claimed_by];
    if (isStopping || isConnectionLoss(error)) await this.database.query(LEAVE, claim);
    else if (error instanceof QueueNotEmptied) await this.database.query(NOTE_OUTAGE, claim);
    else {
      const failure = (error instanceof pg.DatabaseError ? error.code : undefined) ?? 'interrupted';
      await this.database.query(NOTE_FAILURE, [...claim, failure]);
    }
  }
}

const RENEW_MS = 8000;

/** Attempts in a row that remove nothing, until a purge counts as failed. */
const MAX_ATTEMPTS = 10;

/** A worker that was killed may have been killed by the purge, so an attempt counts when it begins. */
const CLAIM_NEXT = `
  UPDATE purge
     SET attempts = least(attempts + 1, ${MAX_ATTEMPTS}), claimed_by = $1, claimed_until = ${CLAIM},
         state = CASE WHEN attempts < ${MAX_ATTEMPTS} THEN 'running' ELSE 'failed' END,
         failure = CASE WHEN attempts < ${MAX_ATTEMPTS} THEN failure ELSE coalesce(failure, 'interrupted') END
   WHERE purge_id = (SELECT purge_id FROM purge
                      WHERE state IN ('requested', 'running')
                        AND (claimed_until IS NULL OR claimed_until < now())
                        AND received_to <= now() - ${PURGE_DELAY}
                      ORDER BY requested_at LIMIT 1 FOR UPDATE SKIP LOCKED)
  RETURNING *`;
const NOTE_FAILURE = `
  UPDATE purge
     SET failure = $3, claimed_by = NULL, claimed_until = now() + interval '2 seconds',
         state = CASE WHEN attempts < ${MAX_ATTEMPTS} THEN state ELSE 'failed' END
   WHERE purge_id = $1 AND claimed_by = $2`;
/** The attempt does not count. */
const NOTE_OUTAGE = `
  UPDATE purge SET failure = 'queue_unavailable', attempts = greatest(attempts - 1, 0), claimed_by = NULL,
         claimed_until = now() + interval '2 seconds'
   WHERE purge_id = $1 AND claimed_by = $2`;
/** A lost connection, or a worker that stops, is no fault of the purge: the attempt does not count. */
const LEAVE = `
  UPDATE purge SET attempts = greatest(attempts - 1, 0), claimed_by = NULL, claimed_until = NULL
   WHERE purge_id = $1 AND claimed_by = $2`;
/** The installations that it has taken events of are still known under its id. */
const RETRY_FAILED = `
  UPDATE purge
     SET state = 'requested', attempts = 0, failure = NULL, claimed_until = NULL,
         requested_at = now(), requested_by = $4
   WHERE purge_id = (SELECT purge_id FROM purge
                      WHERE key_id = $1 AND received_from = $2 AND received_to = $3 AND state = 'failed'
                      ORDER BY requested_at LIMIT 1)
  RETURNING *`;

interface SentRow extends Omit<SentGroup, 'firstReceivedAt' | 'lastReceivedAt'> {
  first: Date;
  last: Date;
}
