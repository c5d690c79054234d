import pg from 'pg';
import type { Recipe } from '../../support/cookbook.js';

/** How long a query of the cookbook took. */
export interface Asked {
  question: string;
  /** Whether it reads single reports or events, and not only what is rolled up. */
  isOfReports: boolean;
  rows: number;
  medianMs: number;
  p95Ms: number;
  /** Where it took longer than SLOW_MS: what Postgres did. */
  plan?: string;
}

/** Analysts wait no longer than that. */
export const SLOW_MS = 1000;

/** The views that show single reports and events. */
const OF_REPORTS =
  /^(reports|report_origins|[a-z]+_readings|ui_events|usage_events|usage_counters|error_reports|defects)$/;

/** Asks every query as an analyst would, in turn, so often; the first round warms the caches up. */
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

/** A column may have the name of a view: only what stands after FROM or JOIN counts. */
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

/** The smallest of the figures that so large a share of them is at most. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}
