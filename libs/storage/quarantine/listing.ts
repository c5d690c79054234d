import type { Queryable } from '../database/queryable.js';
import { queryRecords, selectList } from '../database/records.js';
import { conditionOf, type QuarantineFilter } from './filter.js';

/** A quarantined event as an administrator sees it: no value of it. */
export interface ListedEvent {
  id: string;
  installationId: string;
  product: string;
  event: string;
  /** Of the product; null where the event names none. */
  version: string | null;
  reason: string;
  path: string;
  receivedAt: string;
  observedAt: string;
}

export const summaryFields = ['product', 'event', 'reason', 'path', 'version'] as const;
export type SummaryField = (typeof summaryFields)[number];

/** Quarantined events that have the same in all that was asked for. */
export type SummaryGroup = Partial<Record<SummaryField, string | null>> & {
  events: number;
  /** How many of them a replay would read again: those of known installations, which are kept. */
  replayable: number;
  firstReceivedAt: string;
  lastReceivedAt: string;
};

const EVENT = selectList<ListedEvent>({
  id: 'quarantine_id',
  installationId: 'installation_id',
  product: 'product',
  event: 'event',
  version: "nullif(version, '')",
  reason: 'reason',
  path: 'path',
  receivedAt: 'received_at',
  observedAt: 'observed_at',
});

/** The latest come first. */
export async function listEvents(
  database: Queryable,
  filter: QuarantineFilter,
  { after, limit }: { after?: string | undefined; limit: number },
): Promise<ListedEvent[]> {
  const values: unknown[] = [after, limit];
  return queryRecords(
    database,
    `SELECT ${EVENT} FROM quarantined_event
      WHERE ($1::bigint IS NULL OR quarantine_id < $1) AND ${conditionOf(filter, values)}
      ORDER BY quarantine_id DESC LIMIT $2`,
    values,
  );
}

export async function findEvent(database: Queryable, id: string): Promise<ListedEvent | null> {
  const [event = null] = await queryRecords<ListedEvent>(
    database,
    `SELECT ${EVENT} FROM quarantined_event WHERE quarantine_id = $1`,
    [id],
  );
  return event;
}

/** What is kept of an event itself; null where nothing is. */
export async function findContent(database: Queryable, id: string): Promise<object | null> {
  const { rows } = await database.query<{ envelope: object }>(
    `SELECT o.envelope FROM quarantined_event q
       JOIN original_event o USING (installation_id, event_key, received_at)
      WHERE q.quarantine_id = $1`,
    [id],
  );
  return rows[0]?.envelope ?? null;
}

/** Events without an installation are counted by the hour: all of an hour are in or out. */
const ALL = `(
  SELECT product, event, reason, path, version, received_at, 1 AS events, 1 AS replayable
    FROM quarantined_event
   UNION ALL
  SELECT product, NULL, reason, path, '', hour, event_count, 0 FROM unidentified_event) AS q`;

/** How many there are, by what is asked for; the largest groups first. */
export async function summarise(
  database: Queryable,
  filter: QuarantineFilter,
  { by, limit }: { by: readonly SummaryField[]; limit: number },
): Promise<SummaryGroup[]> {
  const values: unknown[] = [limit];
  const names = by.map((field) => (field === 'version' ? `nullif(version, '')` : field));
  const columns = by.map((field, at) => `${names[at] ?? field} AS ${field}`).join(', ');
  return queryRecords(
    database,
    `SELECT ${columns}, sum(events)::float8 AS events, sum(replayable)::float8 AS replayable,
            min(received_at) AS "firstReceivedAt", max(received_at) AS "lastReceivedAt"
       FROM ${ALL} WHERE ${conditionOf(filter, values)}
      GROUP BY ${names.join(', ')} ORDER BY sum(events) DESC, ${names.join(', ')} LIMIT $1`,
    values,
  );
}
