import { Option, type Command } from 'commander';
import type { ExportFormat } from '#storage';
import { moment } from '../arguments.js';
import type { WithDatabase } from '../run-command.js';
import type { ExportOptions } from './database.js';

const FORMATS: Record<ExportFormat, true> = { csv: true, ndjson: true, parquet: true };

/**
 * What asks the database itself, for analysts and their tools. What that takes is loaded when it is
 * needed: every other command starts in a third of the time.
 */
export function addAnalyst(program: Command, withDatabase: WithDatabase): void {
  program
    .command('export <view>')
    .description('write the rows of a view of fleet for another tool')
    .addOption(new Option('--format <format>', 'how').choices(Object.keys(FORMATS)).default('csv'))
    .option('--out <file>', 'into a file; else to the standard output')
    .option('--product <product>', 'only of this product, where the view has one')
    .option('--from <time>', 'only from this time or day on', moment)
    .option('--to <time>', 'only before this time or day', moment)
    .action(
      withDatabase(async (say, view: string, options: ExportOptions) => {
        const { exportRows } = await import('./database.js');
        await exportRows(say, view, options);
      }),
    );

  program
    .command('rollup')
    .description('the daily views')
    .command('rebuild')
    .description('make all rollups anew, from what there is of reports')
    .action(
      withDatabase(async (say) => {
        const { rebuildRollups } = await import('./database.js');
        await rebuildRollups(say);
      }),
    );
}
