import { randomUUID } from 'node:crypto';
import { reportKinds } from '#telemetry';
import type { Database } from '../database/database.js';
import { toPurge, type Purge, type PurgeRow, type PurgeScope, type SentGroup } from './purge.js';
import { CLAIM, runPurge } from './run.js';

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

  /** Asks for a purge. The same again, while the first one is under way, is the same purge. */
  async request(
    { keyId, from, to }: PurgeScope,
    requestedBy: string,
  ): Promise<{ purge: Purge; isNew: boolean }> {
    const scope = [keyId, from, to];
    const { rows: same } = await this.database.query<PurgeRow>(
      `SELECT * FROM purge WHERE key_id = $1 AND received_from = $2 AND received_to = $3
          AND state <> 'complete'`,
      scope,
    );
    if (same[0]) return { purge: toPurge(same[0]), isNew: false };
    const { rows } = await this.database.query<PurgeRow>(
      `INSERT INTO purge (purge_id, key_id, received_from, received_to, state, requested_at, requested_by)
       VALUES ($4, $1, $2, $3, 'requested', now(), $5) RETURNING *`,
      [...scope, randomUUID(), requestedBy],
    );
    return { purge: toPurge(rows[0] as PurgeRow), isNew: true };
  }

  async get(id: string): Promise<Purge | null> {
    const { rows } = await this.database.query<PurgeRow>(
      'SELECT * FROM purge WHERE purge_id = $1',
      [id],
    );
    return rows[0] ? toPurge(rows[0]) : null;
  }

  /**
   * Carries out the purge that has waited longest and that no worker has.
   * @returns its id; null where there is none
   */
  async runNext(signal: AbortSignal): Promise<string | null> {
    const { rows } = await this.database.query<PurgeRow>(
      `UPDATE purge SET state = 'running', claimed_until = ${CLAIM}
        WHERE purge_id = (SELECT purge_id FROM purge
                           WHERE state <> 'complete' AND (claimed_until IS NULL OR claimed_until < now())
                           ORDER BY requested_at LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING *`,
    );
    const [purge] = rows;
    if (!purge) return null;
    await this.database.hold((client) => runPurge(client, purge, signal), { name: 'purges' });
    await this.database.query(
      `UPDATE purge SET state = 'complete', completed_at = now(), claimed_until = NULL
        WHERE purge_id = $1`,
      [purge.purge_id],
    );
    return purge.purge_id;
  }
}

interface SentRow extends Omit<SentGroup, 'firstReceivedAt' | 'lastReceivedAt'> {
  first: Date;
  last: Date;
}
