/**
 * Measures query times for analysts: builds a large fleet, runs every query of the cookbook, and
 * reports how long each took, the disk space of a report, and how much the queries slow ingest.
 */
import { migrate } from '#storage';
import { cadencesOf, catalogueOf, ownDeclarations } from '#telemetry';
import { Teardown } from '#devservers';
import { urlAs } from '../../apps/start/endpoints.js';
import { readCookbook } from '../support/cookbook.js';
import { askAll, quantile, SLOW_MS, type Asked } from './analyst/ask.js';
import { measureWithAnalyst, type IngestRates } from './analyst/ingest-rates.js';
import { readAnalystOptions, USAGE, type AnalystOptions } from './analyst/options.js';
import { describeSize, measureSize, compactMonth, type Size } from './analyst/size.js';
import { buildFleet } from './fleet/build-fleet.js';
import { rollUp, rollUpYesterday } from './roll-up.js';
import { runBenchmark, say } from './run-benchmark.js';
import { Sender } from './sender.js';
import { startStack } from './stack.js';

interface AnalystFigures {
  options: AnalystOptions;
  size: Size;
  buildSeconds: number;
  rollupSeconds: number;
  /** Refresh of a whole day, including its sums. */
  refreshSeconds: number;
  /** The p95 of the queries' p95, for queries on rollups, and for all. */
  p95OfRollupsMs: number;
  p95Ms: number;
  queries: Asked[];
  ingest: IngestRates | null;
}

const PASSWORD = 'only-while-it-is-measured';

async function bench(options: AnalystOptions, stopping: AbortSignal): Promise<AnalystFigures> {
  const teardown = new Teardown();
  try {
    say('Starting everything ...');
    const stack = await startStack(teardown, stopping, say);
    const { databaseUrl } = stack;
    await migrate({
      ...{ databaseUrl, analystPassword: PASSWORD },
      ...{ catalogue: catalogueOf(ownDeclarations), cadences: cadencesOf(ownDeclarations) },
    });
    const analystUrl = urlAs(databaseUrl, 'analyst', PASSWORD);
    const built = await buildAndRollUp(databaseUrl, options);
    const currentSize = await measureSize(databaseUrl);
    const recipes = await readCookbook();
    say(`Running ${recipes.length} queries ...`);
    const queries = await askAll(analystUrl, recipes, options.rounds, stopping);
    const p95Ms = p95Of(queries);
    const p95OfRollupsMs = p95Of(queries.filter(({ isOfReports }) => !isOfReports));
    say(describeP95({ p95OfRollupsMs, p95Ms, queries }));
    say('Sending events while an analyst queries ...');
    const { ingestRounds: rounds } = options;
    const sender = new Sender(teardown, stopping);
    const ingest =
      rounds === 0
        ? null
        : await measureWithAnalyst(stack, analystUrl, recipes, { sender, rounds, stopping });
    say('Compacting the indexes ...');
    const size = await compactMonth(databaseUrl, currentSize, stopping);
    return {
      ...{ options, size, ...built, queries, ingest },
      ...{ p95OfRollupsMs, p95Ms },
    };
  } finally {
    say('Stopping ...');
    await teardown.run();
  }
}

async function buildAndRollUp(databaseUrl: string, options: AnalystOptions) {
  const buildSeconds = await timed(() =>
    buildFleet(databaseUrl, { ...options, until: new Date() }, say),
  );
  say('Rolling up ...');
  const rollupSeconds = await timed(() => rollUp(databaseUrl));
  const refreshSeconds = await timed(() => rollUpYesterday(databaseUrl));
  return { buildSeconds, rollupSeconds, refreshSeconds };
}

function p95Of(queries: readonly Asked[]): number {
  return quantile(
    queries.map(({ p95Ms }) => p95Ms),
    0.95,
  );
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return (performance.now() - before) / 1000;
}

function describe(figures: AnalystFigures): string {
  const { size, buildSeconds, rollupSeconds, refreshSeconds, queries, ingest } = figures;
  const slow = queries.filter(({ plan }) => plan !== undefined);
  return [
    ...describeSize(size),
    `built in ${buildSeconds.toFixed(0)} s, rolled up in ${rollupSeconds.toFixed(0)} s, one day refreshed in ${refreshSeconds.toFixed(1)} s`,
    '',
    'median     p95   rows  query (*: reads single reports; others read rollups)',
    ...queries.map(
      ({ question, isOfReports, rows, medianMs, p95Ms: worst }) =>
        `${inMs(medianMs)} ${inMs(worst)} ${String(rows).padStart(6)} ${isOfReports ? '*' : ' '}${question}`,
    ),
    '',
    describeP95(figures),
    ...(ingest ? [describeIngest(ingest)] : []),
    ...slow.flatMap(({ question, plan }) => ['', question, plan ?? '']),
  ].join('\n');
}

function describeP95({
  p95OfRollupsMs,
  p95Ms,
  queries,
}: Pick<AnalystFigures, 'p95OfRollupsMs' | 'p95Ms' | 'queries'>): string {
  const slow = queries.filter(({ plan }) => plan !== undefined).length;
  return `p95 of the queries' p95: ${inMs(p95OfRollupsMs).trim()} of rollups, ${inMs(p95Ms).trim()} of all; ${slow} of ${queries.length} above ${SLOW_MS} ms`;
}

function describeIngest({ alone, withAnalyst, ratio }: IngestRates): string {
  return `ingest to stored rows: ${alone.toFixed(0)} events/s alone, ${withAnalyst.toFixed(0)} with an analyst, ratio ${ratio.toFixed(2)}`;
}

function inMs(ms: number): string {
  return `${ms.toFixed(0)} ms`.padStart(8);
}

await runBenchmark({
  usage: USAGE,
  readOptions: readAnalystOptions,
  measure: bench,
  describe,
});
