import type pg from 'pg';
import type { AcceptedCount } from '#telemetry';

/** Refused requests of one hour, grouped by cause and client; the comments of table `ingest_refusal` define the columns. */
interface RefusalRow {
  hour: number;
  product: string;
  code: string;
  route: string;
  dialect: string;
  keyHint: string;
  agent: string;
  requests: number;
  events: number;
}

/** The counters of one ingest process, cumulative since it started. Hours are in milliseconds since 1970. */
export interface Announced {
  lifeId: string;
  acknowledged: readonly AcceptedCount[];
  unconfirmed: readonly {
    batchId: string;
    gatheredAt: number;
    accepted: readonly AcceptedCount[];
  }[];
  refusals: readonly RefusalRow[];
}

export async function storeAcknowledged(
  tx: pg.ClientBase,
  announced: readonly Announced[],
): Promise<void> {
  const rows = announced.flatMap(({ lifeId, acknowledged }) =>
    acknowledged.map(({ product, hour, count }) => ({
      ...{ life_id: lifeId, product, hour: toIso(hour), event_count: count },
    })),
  );
  await tx.query(
    `INSERT INTO ingest_acknowledged AS a (life_id, product, hour, event_count)
     SELECT life_id, product, hour, event_count
       FROM jsonb_populate_recordset(NULL::ingest_acknowledged, $1::jsonb) ORDER BY product, hour, life_id
     ON CONFLICT (product, hour, life_id) DO UPDATE
        SET event_count = excluded.event_count WHERE a.event_count < excluded.event_count`,
    [JSON.stringify(rows)],
  );
}

export async function storeUnconfirmed(
  tx: pg.ClientBase,
  announced: readonly Announced[],
): Promise<void> {
  const rows = announced.flatMap(({ unconfirmed }) =>
    unconfirmed.flatMap(({ batchId, gatheredAt, accepted }) =>
      accepted.map(({ product, hour, count }) => ({
        ...{ batch_id: batchId, gathered_at: toIso(gatheredAt) },
        ...{ product, hour: toIso(hour), event_count: count },
      })),
    ),
  );
  if (rows.length === 0) return;
  await tx.query(
    `INSERT INTO ingest_unconfirmed
     SELECT * FROM jsonb_populate_recordset(NULL::ingest_unconfirmed, $1::jsonb)
      ORDER BY batch_id, product, hour
     ON CONFLICT DO NOTHING`,
    [JSON.stringify(rows)],
  );
}

export async function storeRefusals(
  tx: pg.ClientBase,
  announced: readonly Announced[],
): Promise<void> {
  const rows = announced.flatMap(({ lifeId, refusals }) =>
    refusals.map(({ hour, keyHint, ...refusal }) => ({
      ...{ life_id: lifeId, hour: toIso(hour), key_hint: keyHint, ...refusal },
    })),
  );
  if (rows.length === 0) return;
  const columns = 'life_id, hour, product, code, route, dialect, key_hint, agent, requests, events';
  await tx.query(
    `INSERT INTO ingest_refusal AS r (${columns})
     SELECT ${columns} FROM jsonb_populate_recordset(NULL::ingest_refusal, $1::jsonb)
      ORDER BY hour, product, code, route, dialect, key_hint, agent, life_id
     ON CONFLICT (hour, product, code, route, dialect, key_hint, agent, life_id) DO UPDATE
        SET requests = greatest(r.requests, excluded.requests),
            events = greatest(r.events, excluded.events)
      WHERE r.requests < excluded.requests OR r.events < excluded.events`,
    [JSON.stringify(rows)],
  );
}

function toIso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
