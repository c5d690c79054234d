import pg from 'pg';
import type { CatalogueEntry } from '#telemetry';
import { inTransaction } from '../database/transaction.js';

/** The columns of views whose comments list the metrics. */
const COMMENTED = [
  { column: 'metric_readings.metric', store: 'metrics' },
  { column: 'current_metrics.metric', store: 'metrics' },
  { column: 'usage_counters.counter', store: 'usage' },
] as const;

/** Writes the declared metrics into the database: as rows, and into the comments of views. */
export async function writeCatalogue(
  client: pg.ClientBase,
  metrics: readonly CatalogueEntry[],
): Promise<void> {
  const rows = metrics.map((metric, position) => ({ ...metric, position }));
  await inTransaction(client, async () => {
    await client.query('DELETE FROM metric_definition');
    await client.query(
      `INSERT INTO metric_definition
       SELECT * FROM jsonb_populate_recordset(NULL::metric_definition, $1::jsonb)`,
      [JSON.stringify(rows)],
    );
    for (const { column, store } of COMMENTED) {
      await commentOn(
        client,
        column,
        metrics.filter((metric) => metric.store === store),
      );
    }
  });
}

async function commentOn(
  client: pg.ClientBase,
  column: string,
  metrics: readonly CatalogueEntry[],
): Promise<void> {
  const products = [...new Set(metrics.map(({ product }) => product))];
  const named = products.map((product) => {
    const own = metrics.filter((metric) => metric.product === product);
    const names = own.map(({ metric, unit }) => (unit === '1' ? metric : `${metric} (${unit})`));
    return `${product}: ${[...new Set(names)].join(', ')}`;
  });
  const text = `The name; see fleet.metric_catalogue for its meaning. ${named.join('; ')}`;
  await client.query(`COMMENT ON COLUMN fleet.${column} IS ${pg.escapeLiteral(text)}`);
}
