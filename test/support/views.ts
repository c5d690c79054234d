/** The views of the schema `fleet` whose rows a preview shows. */
export const PREVIEWED_VIEWS = [
  'installations',
  'reports',
  'health_readings',
  'resource_readings',
  'package_readings',
  'framework_readings',
  'ui_events',
  'usage_events',
  'usage_counters',
  'error_reports',
  'metric_readings',
  'defects',
  'quarantined_events',
] as const;

type Row = Record<string, unknown>;
export type Views = Record<string, Row[]>;

/** All rows of these views, as in JSON. Views without rows are omitted. */
export async function readViews(ask: (text: string) => Promise<Row[]>): Promise<Views> {
  const views: Views = {};
  for (const view of PREVIEWED_VIEWS) {
    const rows = await ask(`SELECT * FROM fleet.${view}`);
    if (rows.length > 0) views[view] = JSON.parse(JSON.stringify(rows));
  }
  return views;
}

/** Combines the rows of several events as the views would show them. */
export function together(events: readonly { rows?: Views }[]): Views {
  const views: Views = {};
  for (const { rows = {} } of events) {
    for (const [view, added] of Object.entries(rows)) {
      if (added.length > 0) views[view] = [...(views[view] ?? []), ...added];
    }
  }
  const { installations, quarantined_events } = views;
  return {
    ...views,
    ...(installations && { installations: mergeInstallations(installations) }),
    ...(quarantined_events && { quarantined_events: countEqual(quarantined_events) }),
  };
}

const DESCRIPTION = [
  ...['version', 'variant', 'provider', 'platform', 'source'],
  ...['customer_key', 'license_id'],
];

/** One row per installation, from its latest event with a description. */
function mergeInstallations(rows: Row[]): Row[] {
  const byTime = rows.toSorted((a, b) => (a.last_seen_at! < b.last_seen_at! ? -1 : 1));
  const merged = new Map<string, Row>();
  for (const row of byTime) {
    const key = `${String(row.installation_id)} ${String(row.product)}`;
    const before = merged.get(key);
    const isDescribed = DESCRIPTION.some((column) => row[column] !== null);
    const { first_seen_at } = before ?? row;
    const { last_seen_at } = row;
    const { opted_out, opted_out_at } = row.opted_out ? row : (before ?? row);
    const rest = { first_seen_at, last_seen_at, opted_out, opted_out_at };
    merged.set(key, { ...(isDescribed ? row : (before ?? row)), ...rest });
  }
  return [...merged.values()];
}

function countEqual(rows: Row[]): Row[] {
  const counted = new Map<string, Row>();
  for (const { event_count, ...row } of rows) {
    const key = JSON.stringify(row);
    const count = Number(counted.get(key)?.event_count ?? 0) + Number(event_count);
    counted.set(key, { ...row, event_count: row.installation_id === null ? count : 1 });
  }
  return [...counted.values()];
}

/**
 * Rows in a form in which two receptions of the same events can be compared: sorted, and without
 * values that depend on the receive time. If the agent's clock was not trusted, these are all
 * times. The age of an event on arrival is the same.
 */
export function comparable(views: Views, clock: 'agent' | 'ours'): Views {
  return Object.fromEntries(
    Object.entries(views).map(([view, rows]) => {
      const compared = rows.map((row) => withoutReception(row, clock));
      return [view, compared.sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1))];
    }),
  );
}

function withoutReception(row: Row, clock: 'agent' | 'ours'): Row {
  const entries = Object.entries(row).map(([column, value]) => {
    if (column === 'received_at') return [column, typeof value === 'string' && 'a time'];
    if (column === 'event_count') return [column, Number(value)];
    const isTime = column.endsWith('_at') && value !== null && clock === 'ours';
    if (!isTime) return [column, value];
    const age = timeOf(row.received_at) - timeOf(value);
    return [column, Number.isNaN(age) ? 'a time' : age];
  });
  return Object.fromEntries(entries);
}

function timeOf(value: unknown): number {
  return typeof value === 'string' ? Date.parse(value) : NaN;
}

/** A text that is the same for equal values, independent of key order. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, item]) => `${key}: ${canonical(item)}`);
  return entries.sort().join();
}
