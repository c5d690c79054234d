import type pg from 'pg';
import type { Snapshot, UnderstoodEvent } from '#telemetry';

type RowsOf = (snapshot: Snapshot) => Row | null;
interface Row {
  id: string;
  [column: string]: unknown;
}

/**
 * The tables of snapshots, in the order in which every writer fills them. In each, rows go in by
 * ascending id: two transactions that bring the same new snapshot wait for each other, never in a
 * circle. What is there is left alone, for the id says what the content is.
 */
const TABLES: { name: string; key: string; columns: string; rowOf: RowsOf }[] = [
  {
    name: 'unit_set',
    key: 'unit_set_id',
    columns: 'id uuid, units text[], unit_types text[]',
    rowOf: (s) =>
      s.kind === 'health' ? { id: s.unitSetId, units: s.units, unit_types: s.unitTypes } : null,
  },
  {
    name: 'health_snapshot',
    key: 'snapshot_id',
    columns: 'id uuid, unit_set_id uuid, totals integer[], unhealthy integer[], dropped text[]',
    rowOf: (s) => {
      if (s.kind !== 'health') return null;
      const { id, unitSetId: unit_set_id, totals, unhealthy, dropped = [] } = s;
      return { id, unit_set_id, totals, unhealthy, dropped };
    },
  },
  {
    name: 'package_snapshot',
    key: 'snapshot_id',
    columns: 'id uuid, packages text[], versions text[], instances integer[], dropped text[]',
    rowOf: (s) => {
      if (s.kind !== 'packages') return null;
      const { id, packages, versions, instances, dropped = [] } = s;
      return { id, packages, versions, instances, dropped };
    },
  },
  {
    name: 'framework_snapshot',
    key: 'snapshot_id',
    columns: 'id uuid, frameworks text[], instances integer[], dropped text[]',
    rowOf: (s) => {
      if (s.kind !== 'frameworks') return null;
      const { id, frameworks, instances, dropped = [] } = s;
      return { id, frameworks, instances, dropped };
    },
  },
  {
    name: 'ui_snapshot',
    key: 'snapshot_id',
    columns: 'id uuid, action text, path text, app_version text, dropped text[]',
    rowOf: (s) => {
      if (s.kind !== 'ui') return null;
      const { id, action, path, appVersion: app_version, dropped = [] } = s;
      return { id, action, path, app_version, dropped };
    },
  },
  {
    name: 'metric_set',
    key: 'metric_set_id',
    columns: 'id uuid, metrics text[], dimensions text[]',
    rowOf: (s) =>
      s.kind === 'metrics'
        ? { id: s.metricSetId, metrics: s.metrics, dimensions: s.dimensions }
        : null,
  },
  {
    name: 'metric_snapshot',
    key: 'snapshot_id',
    columns:
      'id uuid, metric_set_id uuid, event text, outcome text, describes boolean, ' +
      'figures double precision[], dropped text[]',
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
  {
    name: 'error_snapshot',
    key: 'snapshot_id',
    columns:
      'id uuid, event text, error_kind text, fingerprint text, message text, ' +
      'occurrences integer, dropped text[]',
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
];

/** The snapshots that are known to be in the database, so that most batches write none. */
export class KnownSnapshots {
  readonly #ids = new Set<string>();
  readonly #max: number;
  #epoch = '';

  constructor(max = 200_000) {
    this.#max = max;
  }

  /** Forgets all where snapshots have been collected since: some may be gone. */
  enter(epoch: string): void {
    if (epoch === this.#epoch) return;
    this.#ids.clear();
    this.#epoch = epoch;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** To be called once the transaction that wrote them, begun in an epoch, is committed. */
  remember(ids: readonly string[], epoch: string): void {
    if (epoch !== this.#epoch) return;
    if (this.#ids.size + ids.length > this.#max) this.#ids.clear();
    for (const id of ids) this.#ids.add(id);
  }
}

/** Writes what the events say, as far as it is not known to be there. Returns the written ids. */
export async function writeSnapshots(
  tx: pg.ClientBase,
  events: readonly UnderstoodEvent[],
  known: KnownSnapshots,
): Promise<string[]> {
  const missing = new Map<string, Snapshot>();
  for (const { snapshot } of events) {
    if (!known.has(snapshot.id)) missing.set(snapshot.id, snapshot);
  }
  if (missing.size === 0) return [];
  for (const { name, key, columns, rowOf } of TABLES) {
    const rows = new Map<string, Row>();
    for (const snapshot of missing.values()) {
      const row = rowOf(snapshot);
      if (row && !known.has(row.id)) rows.set(row.id, row);
    }
    if (rows.size === 0) continue;
    await tx.query(
      // One that is there is locked, so that it is not collected before this transaction has ended.
      `INSERT INTO ${name} SELECT * FROM jsonb_to_recordset($1::jsonb) AS s(${columns}) ORDER BY id
           ON CONFLICT (${key}) DO UPDATE SET ${key} = EXCLUDED.${key} WHERE false`,
      [JSON.stringify([...rows.values()])],
    );
  }
  return [...missing.values()].flatMap((s) => {
    if (s.kind === 'health') return [s.id, s.unitSetId];
    return s.kind === 'metrics' ? [s.id, s.metricSetId] : [s.id];
  });
}
