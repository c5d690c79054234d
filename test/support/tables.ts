/**
 * Queries for every row that events leave behind, in a form that is comparable between databases.
 */
const QUERIES = {
  installations: 'SELECT * FROM fleet.installations ORDER BY installation_id, product',
  reports: `SELECT r.installation_id, r.event_key, r.received_at, r.observed_at, r.snapshot_id,
                   l.product, l.version, l.variant, l.provider, r.kind, r.clock
              FROM report r JOIN origin l USING (origin_id)
             ORDER BY r.installation_id, r.event_key, r.received_at`,
  health: `SELECT * FROM fleet.health_readings
            ORDER BY installation_id, received_at, observed_at, unit, total, unhealthy`,
  resources: `SELECT r.*, l.product, l.version FROM resource_reading r JOIN origin l USING (origin_id)
               ORDER BY installation_id, event_key, received_at`,
  packages: `SELECT * FROM fleet.package_readings
              ORDER BY installation_id, received_at, observed_at, package, version, instances`,
  frameworks: `SELECT * FROM fleet.framework_readings
                ORDER BY installation_id, received_at, observed_at, framework, instances`,
  currentHealth: 'SELECT * FROM fleet.current_health ORDER BY installation_id, product, unit',
  ui: `SELECT * FROM fleet.ui_events
        ORDER BY installation_id, received_at, occurred_at, event, path`,
  visits: 'SELECT * FROM ui_reading ORDER BY installation_id, event_key, received_at',
  usage: `SELECT * FROM fleet.usage_events
           ORDER BY installation_id, received_at, occurred_at, event, counters::text`,
  counters: `SELECT * FROM fleet.usage_counters
              ORDER BY installation_id, received_at, occurred_at, event, counter, dimension, value`,
  errors: `SELECT * FROM fleet.error_reports
            ORDER BY installation_id, received_at, occurred_at, fingerprint`,
  metrics: `SELECT * FROM fleet.metric_readings
             ORDER BY installation_id, received_at, observed_at, metric, dimension, value`,
  consents: 'SELECT * FROM consent_event ORDER BY installation_id, event_key, received_at',
  dropped: 'SELECT * FROM fleet.dropped_properties ORDER BY product, event, key',
  defects: `SELECT * FROM fleet.defects
             ORDER BY installation_id, received_at, observed_at, path, reason`,
  originals: `SELECT installation_id, event_key, received_at, envelope::text FROM original_event
               ORDER BY installation_id, event_key`,
  quarantined: `SELECT * FROM quarantined_event ORDER BY installation_id, event_key`,
  unidentified: 'SELECT * FROM unidentified_event ORDER BY product, hour, reason, path, keys_id',
  balance: 'SELECT * FROM fleet.ingest_balance ORDER BY product, hour',
} as const;

export type Tables = Record<keyof typeof QUERIES, Record<string, unknown>[]>;

export async function readTables(
  ask: (text: string) => Promise<Record<string, unknown>[]>,
): Promise<Tables> {
  const tables = {} as Tables;
  for (const [name, query] of Object.entries(QUERIES)) {
    const rows = await ask(query);
    // Ids of sources and quarantined events depend on the order of arrival.
    tables[name as keyof Tables] = rows.map(({ origin_id: _, quarantine_id: __, ...row }) => row);
  }
  return tables;
}

/**
 * Removes all rows of events, except snapshots and sources, which contain no ids. Truncates only
 * tables and partitions with data, because each truncation rebuilds hundreds of
 * indexes.
 */
export async function emptyTables(
  ask: (text: string) => Promise<Record<string, unknown>[]>,
): Promise<void> {
  const tables = await ask(
    `SELECT c.oid::regclass::text AS name
       FROM pg_class c
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
        AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
                       AND a.attname IN ('installation_id', 'hour', 'batch_id', 'day'))
        AND pg_relation_size(c.oid) > 0`,
  );
  if (tables.length === 0) return;
  const truncate = `TRUNCATE ${tables.map(({ name }) => name as string).join()}`;
  // Concurrent maintenance may lock tables in another order.
  await ask(truncate).catch((error: unknown) => {
    if ((error as { code?: string }).code !== '40P01') throw error;
    return ask(truncate);
  });
}
