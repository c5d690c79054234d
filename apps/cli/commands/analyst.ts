import { createWriteStream } from 'node:fs';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { ExportRefused, exportFormats, exportView, Rollups, type ExportFormat } from '#storage';
import { findDatabase } from '../connection.js';
import { Failure } from '../outcome.js';
import type { Say, WithDatabase } from '../run-command.js';

interface ExportOptions {
  format: ExportFormat;
  out?: string;
  product?: string;
  from?: Date;
  to?: Date;
}

/** So often somebody who waits hears how far it is. */
const TELL_EVERY_MS = 2000;

/** What asks the database itself, for analysts and their tools. */
export function addAnalyst(program: Command, withDatabase: WithDatabase): void {
  program
    .command('export <view>')
    .description('write the rows of a view of fleet for another tool')
    .addOption(
      new Option('--format <format>', 'how').choices(exportFormats).default(exportFormats[0]),
    )
    .option('--out <file>', 'into a file; else to the standard output')
    .option('--product <product>', 'only of this product, where the view has one')
    .option('--from <time>', 'only from this time or day on', moment)
    .option('--to <time>', 'only before this time or day', moment)
    .action(withDatabase(exportRows));

  program
    .command('rollup')
    .description('the daily views')
    .command('rebuild')
    .description('make all rollups anew, from what there is of reports')
    .action(
      withDatabase(async (say) => {
        const rollups = new Rollups({ databaseUrl: await findDatabase() });
        const tell = sparingly(say);
        try {
          const { days, durationMs } = await rollups.rebuild({
            onProgress: ({ step, done, of }) => tell(`${step}: ${done} of ${of} days`),
          });
          say(`${days} days were read anew in ${Math.round(durationMs / 1000)} s.`);
        } finally {
          await rollups.close();
        }
      }),
    );
}

async function exportRows(say: Say, view: string, options: ExportOptions): Promise<void> {
  const { format, out: file, product, from, to } = options;
  const tell = sparingly(say);
  const out = file === undefined ? process.stdout : createWriteStream(file);
  try {
    const rows = await exportView(await findDatabase(), view, {
      ...{ format, out, product, from, to },
      onProgress: (count) => tell(`${count} rows`),
    });
    say(`${rows} rows`);
  } catch (error) {
    if (error instanceof ExportRefused) throw new Failure(error.message, { cause: error });
    throw error;
  }
}

function moment(text: string): Date {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError('It must be a day or a time, as 2026-01-31T12:00:00Z.');
}

function sparingly(say: Say): Say {
  let saidAt = Date.now();
  return (line) => {
    if (Date.now() < saidAt + TELL_EVERY_MS) return;
    saidAt = Date.now();
    say(line);
  };
}
