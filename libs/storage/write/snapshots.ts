import type pg from 'pg';
import type { Snapshot, UnderstoodEvent } from '#telemetry';
import { CONTENT_TABLES, type ContentTable } from '../database/content-tables.js';

type RowsOf = (snapshot: Snapshot) => Row | null;
interface Row {
  id: string;
  [column: string]: unknown;
}

interface Contents {
  columns: string;
  /** Of a snapshot, the columns that its id is made of. */
  compared?: string[];
  rowOf: RowsOf;
}

/** What each table holds of a snapshot. Rows go in by ascending id, so that two transactions never wait in a circle. */
const CONTENTS: Record<ContentTable, Contents> = {
  unit_set: {
    columns: 'id uuid, units text[], unit_types text[]',
    rowOf: (s) =>
      s.kind === 'health' ? { id: s.unitSetId, units: s.units, unit_types: s.unitTypes } : null,
  },
  health_snapshot: {
    columns: 'id bigint, unit_set_id uuid, totals integer[], unhealthy integer[], dropped text[]',
    compared: ['unit_set_id', 'totals', 'unhealthy', 'dropped'],
    rowOf: (s) => {
      if (s.kind !== 'health') return null;
      const { id, unitSetId: unit_set_id, totals, unhealthy, dropped = [] } = s;
      return { id, unit_set_id, totals, unhealthy, dropped };
    },
  },
  package_snapshot: {
    columns: 'id bigint, packages text[], versions text[], instances integer[], dropped text[]',
    compared: ['packages', 'versions', 'instances', 'dropped'],
    rowOf: (s) => {
      if (s.kind !== 'packages') return null;
      const { id, packages, versions, instances, dropped = [] } = s;
      return { id, packages, versions, instances, dropped };
    },
  },
  framework_snapshot: {
    columns: 'id bigint, frameworks text[], instances integer[], dropped text[]',
    compared: ['frameworks', 'instances', 'dropped'],
    rowOf: (s) => {
      if (s.kind !== 'frameworks') return null;
      const { id, frameworks, instances, dropped = [] } = s;
      return { id, frameworks, instances, dropped };
    },
  },
  ui_snapshot: {
    columns: 'id bigint, action text, path text, app_version text, dropped text[]',
    compared: ['action', 'path', 'app_version', 'dropped'],
    rowOf: (s) => {
      if (s.kind !== 'ui') return null;
      const { id, action, path, appVersion: app_version, dropped = [] } = s;
      return { id, action, path, app_version, dropped };
    },
  },
  metric_set: {
    columns: 'id uuid, metrics text[], dimensions text[]',
    rowOf: (s) =>
      s.kind === 'metrics'
        ? { id: s.metricSetId, metrics: s.metrics, dimensions: s.dimensions }
        : null,
  },
  metric_snapshot: {
    columns:
      'id bigint, metric_set_id uuid, event text, outcome text, describes boolean, ' +
      'figures double precision[], dropped text[]',
    compared: ['metric_set_id', 'event', 'outcome', 'describes', 'figures', 'dropped'],
    rowOf: (s) => {
      if (s.kind !== 'metrics') return null;
      const {
        id,
        metricSetId: metric_set_id,
        event,
        outcome,
        describes,
        figures,
        dropped = [],
      } = s;
      return { id, metric_set_id, event, outcome, describes, figures, dropped };
    },
  },
  error_snapshot: {
    columns:
      'id bigint, event text, error_kind text, fingerprint text, message text, ' +
      'occurrences integer, dropped text[]',
    compared: ['event', 'error_kind', 'message', 'occurrences', 'dropped'],
    rowOf: (s) => {
      if (s.kind !== 'error') return null;
      const {
        id,
        event,
        errorKind: error_kind,
        fingerprint,
        message,
        occurrences,
        dropped = [],
      } = s;
      return { id, event, error_kind, fingerprint, message, occurrences, dropped };
    },
  },
};
const TABLES = CONTENT_TABLES.map((it) => ({ ...it, ...CONTENTS[it.table] }));

/** The snapshots that are known to be in the database, so that most batches write none. */
export class KnownSnapshots {
  readonly #contentIds = new Set<string>();
  readonly #max: number;
  #epoch = '';

  constructor(max = 200_000) {
    this.#max = max;
  }

  /** Forgets all where snapshots have been collected since: some may be gone. */
  enter(epoch: string): void {
    if (epoch === this.#epoch) return;
    this.#contentIds.clear();
    this.#epoch = epoch;
  }

  has(contentId: string): boolean {
    return this.#contentIds.has(contentId);
  }

  /** To be called once the transaction that wrote them, begun in an epoch, is committed. */
  remember(contentIds: readonly string[], epoch: string): void {
    if (epoch !== this.#epoch) return;
    if (this.#contentIds.size + contentIds.length > this.#max) this.#contentIds.clear();
    for (const id of contentIds) this.#contentIds.add(id);
  }
}

/**
 * Writes what the events say, as far as it is not known to be there. Where another content has the id of
 * one of these, the database refuses it.
 * @returns the content ids of what was written
 */
export async function writeSnapshots(
  tx: pg.ClientBase,
  events: readonly UnderstoodEvent[],
  known: KnownSnapshots,
): Promise<Set<string>> {
  const missing = new Map<string, Snapshot>();
  for (const { snapshot } of events) {
    if (!known.has(snapshot.contentId)) missing.set(snapshot.contentId, snapshot);
  }
  if (missing.size === 0) return new Set();
  for (const table of TABLES) {
    const rows = new Map<string, Row>();
    for (const [contentId, snapshot] of missing) {
      const row = table.rowOf(snapshot);
      if (!row) continue;
      if (table.key === 'snapshot_id') rows.set(contentId, row);
      else if (!known.has(row.id)) rows.set(row.id, row); // several snapshots may have this set
    }
    if (rows.size > 0) await tx.query(insertInto(table), [JSON.stringify([...rows.values()])]);
  }
  return new Set([...missing.values()].flatMap(idsOf));
}

/**
 * Removes what this transaction wrote for events that are not to be stored after all. Only rows that it inserted
 * itself, which no other has seen; those inserted within a savepoint stay until unused contents are collected.
 */
export async function removeNewSnapshots(
  tx: pg.ClientBase,
  written: ReadonlySet<string>,
  { dropped, kept }: Record<'dropped' | 'kept', readonly UnderstoodEvent[]>,
): Promise<void> {
  const used = contentIdsOf(kept);
  const unused = new Set(
    [...contentIdsOf(dropped)].filter((id) => written.has(id) && !used.has(id)),
  );
  if (unused.size === 0) return;
  for (const { table, key, rowOf } of TABLES) {
    const ids = dropped.flatMap(({ snapshot }) => {
      const row = rowOf(snapshot);
      if (!row) return [];
      return unused.has(key === 'snapshot_id' ? snapshot.contentId : row.id) ? [row.id] : [];
    });
    if (ids.length === 0) continue;
    const isOwn = 'xmin = pg_current_xact_id()::xid';
    await tx.query(`DELETE FROM ${table} WHERE ${key} = ANY ($1) AND ${isOwn}`, [ids]);
  }
}

/** The ids of all that the events say. */
export function contentIdsOf(events: readonly UnderstoodEvent[]): Set<string> {
  return new Set(events.flatMap(({ snapshot }) => idsOf(snapshot)));
}

/** The ids of a snapshot, and of the set that its names are in. */
function idsOf(snapshot: Snapshot): string[] {
  if (snapshot.kind === 'health') return [snapshot.contentId, snapshot.unitSetId];
  if (snapshot.kind === 'metrics') return [snapshot.contentId, snapshot.metricSetId];
  return [snapshot.contentId];
}

/**
 * What is there is left as it is, and locked, so that it is not collected before this transaction has
 * ended. Under the id of other content nothing can be stored: a key that is null is refused.
 */
function insertInto({ table, key, columns, compared }: (typeof TABLES)[number]): string {
  const list = (of: string) => compared?.map((column) => `${of}.${column}`).join(', ');
  const isOther = compared ? `(${list('t')}) IS DISTINCT FROM (${list('EXCLUDED')})` : 'false';
  return `
    INSERT INTO ${table} AS t SELECT * FROM jsonb_to_recordset($1::jsonb) AS s(${columns}) ORDER BY id
        ON CONFLICT (${key}) DO UPDATE SET ${key} = NULL WHERE ${isOther}`;
}
