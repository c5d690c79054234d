import { Database, ExportRefused, exportView, Rollups, type ExportFormat } from '#storage';
import { Failure } from '../outcome.js';
import type { DatabaseTools, Say } from '../tools.js';
import { OutputFile } from './output-file.js';

export interface ExportOptions {
  format: ExportFormat;
  out?: string;
  product?: string;
  from?: Date;
  to?: Date;
}

const PROGRESS_INTERVAL_MS = 2000;

export async function rebuildRollups(tools: DatabaseTools): Promise<void> {
  const database = await openDatabase(tools, 'muster-rollups');
  const rollups = new Rollups(database);
  const sayProgress = throttle(tools.say);
  try {
    const { days, durationMs } = await rollups.rebuild({
      onProgress: ({ step, done, of }) => sayProgress(`${step}: ${done} of ${of} days`),
    });
    tools.say(`Days rebuilt: ${days}, in ${Math.round(durationMs / 1000)} s.`);
  } finally {
    await database.close();
  }
}

export async function exportRows(
  tools: DatabaseTools,
  view: string,
  options: ExportOptions,
): Promise<void> {
  const { out: path, ...choice } = options;
  const sayProgress = throttle(tools.say);
  // Opened first, so that a file that cannot be written is reported before the query starts.
  const file = path === undefined ? undefined : await OutputFile.open(path);
  try {
    const database = await openDatabase(tools, 'muster-export');
    try {
      const rows = await exportView(database, view, {
        ...choice,
        out: file?.stream ?? tools.out,
        onProgress: (count) => sayProgress(`${count} rows so far`),
      });
      await file?.publish();
      tools.say(`Rows written: ${rows}.`);
    } finally {
      await database.close();
    }
  } catch (error) {
    await file?.discard();
    if (error instanceof ExportRefused) throw new Failure(error.message, { cause: error });
    throw error;
  }
}

async function openDatabase({ findDatabase }: DatabaseTools, name: string): Promise<Database> {
  return new Database({ databaseUrl: await findDatabase(), name, connections: 2 });
}

function throttle(say: Say): Say {
  let saidAt = Date.now();
  return (line) => {
    if (Date.now() < saidAt + PROGRESS_INTERVAL_MS) return;
    saidAt = Date.now();
    say(line);
  };
}
