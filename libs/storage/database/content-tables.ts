/**
 * The tables of contents: snapshots, and the sets of names that they share (`set` is the column that refers to one).
 * In this order every transaction writes and locks them, so that none waits in a circle.
 */
export const CONTENT_TABLES = [
  { table: 'unit_set', key: 'unit_set_id' },
  { table: 'health_snapshot', key: 'snapshot_id', set: 'unit_set_id' },
  { table: 'package_snapshot', key: 'snapshot_id' },
  { table: 'framework_snapshot', key: 'snapshot_id' },
  { table: 'ui_snapshot', key: 'snapshot_id' },
  { table: 'metric_set', key: 'metric_set_id' },
  { table: 'metric_snapshot', key: 'snapshot_id', set: 'metric_set_id' },
  { table: 'error_snapshot', key: 'snapshot_id' },
] as const;

export type ContentTable = (typeof CONTENT_TABLES)[number]['table'];

/** The tables of whole contents. */
export const SNAPSHOT_TABLES = CONTENT_TABLES.filter(({ key }) => key === 'snapshot_id').map(
  ({ table }) => table,
);

/** The tables of sets, and of the snapshots that refer to each. */
export const SET_TABLES = CONTENT_TABLES.flatMap((user) =>
  'set' in user
    ? CONTENT_TABLES.filter(({ key }) => key === user.set).map(({ table, key }) => ({
        ...{ table, key },
        user: user.table,
      }))
    : [],
);
