import pg from 'pg';
import type { Recipe } from '../../support/cookbook.js';

/** The times of a query of the cookbook. */
export interface Asked {
  question: string;
  /** Whether it reads single reports or events, not only rollups. */
  isOfReports: boolean;
  rows: number;
  medianMs: number;
  p95Ms: number;
  /** The plan, if it took longer than SLOW_MS. */
  plan?: string;
}

/** The limit for interactive queries. */
export const SLOW_MS = 1000;

/** The views of single reports and events. */
const OF_REPORTS =
  /^(reports|report_origins|[a-z]+_readings|ui_events|usage_events|usage_counters|error_reports|defects)$/;

/**
 * Runs every query as an analyst, in turn, for this many rounds. A first, extra round warms up the
 * caches.
 */
export async function askAll(
  analystUrl: string,
  recipes: readonly Recipe[],
  rounds: number,
  stopping: AbortSignal,
): Promise<Asked[]> {
  const client = new pg.Client({ connectionString: analystUrl });
  await client.connect();
  try {
    const times = recipes.map((): number[] => []);
    const rows = recipes.map(() => 0);
    for (let round = 0; round <= rounds; round += 1) {
      for (const [at, { sql }] of recipes.entries()) {
        stopping.throwIfAborted();
        const before = performance.now();
        const result = await client.query(sql);
        if (round > 0) times[at]?.push(performance.now() - before);
        rows[at] = result.rows.length;
      }
    }
    const asked: Asked[] = [];
    for (const [at, { question, sql }] of recipes.entries()) {
      const [medianMs, p95Ms] = [quantile(times[at] ?? [], 0.5), quantile(times[at] ?? [], 0.95)];
      const plan = p95Ms > SLOW_MS ? { plan: await explain(client, sql) } : {};
      const isOfReports = readsReports(sql);
      asked.push({ question, isOfReports, rows: rows[at] ?? 0, medianMs, p95Ms, ...plan });
    }
    return asked;
  } finally {
    await client.end();
  }
}

/** Only names after FROM or JOIN count, because a column may have the name of a view. */
function readsReports(sql: string): boolean {
  return [...sql.matchAll(/\b(?:FROM|JOIN)\s+([a-z_]+)/g)].some(([, view = '']) =>
    OF_REPORTS.test(view),
  );
}

async function explain(client: pg.Client, sql: string): Promise<string> {
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(
    `EXPLAIN (ANALYZE, BUFFERS) ${sql.replace(/;\s*$/, '')}`,
  );
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

/** The smallest value that this share of the values does not exceed. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}
