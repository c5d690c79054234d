import { Option, type Command } from 'commander';
import type { ExportFormat } from '#storage';
import { timeRange } from '../arguments.js';
import type { WithDatabase } from '../tools.js';
import type { ExportOptions } from './database.js';

const FORMATS: Record<ExportFormat, true> = { csv: true, ndjson: true, parquet: true };

/**
 * Commands that query the database directly, for analysts and their tools. Their code is loaded on demand, so
 * that every other command starts in a third of the time.
 */
export function addAnalyst(program: Command, withDatabase: WithDatabase): void {
  const exporting = program
    .command('export <view>')
    .description('export the rows of a view of the schema fleet')
    .addOption(
      new Option('--format <format>', 'output format').choices(Object.keys(FORMATS)).default('csv'),
    )
    .option('--out <file>', 'output file, replaced when complete (default: standard output)')
    .option('--product <product>', 'only rows of this product, if the view has a product');
  timeRange(exporting, 'only rows').action(
    withDatabase(async (tools, view: string, options: ExportOptions) => {
      const { exportRows } = await import('./database.js');
      await exportRows(tools, view, options);
    }),
  );

  program
    .command('rollup')
    .description('manage the rollups behind the daily views')
    .command('rebuild')
    .description('rebuild all rollups from the stored reports')
    .action(
      withDatabase(async (tools) => {
        const { rebuildRollups } = await import('./database.js');
        await rebuildRollups(tools);
      }),
    );
}
