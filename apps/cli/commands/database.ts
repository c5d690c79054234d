import { open } from 'node:fs/promises';
import { Database, ExportRefused, exportView, Rollups, type ExportFormat } from '#storage';
import { findDatabase } from '../connection.js';
import { Failure } from '../outcome.js';
import type { Say } from '../tools.js';

export interface ExportOptions {
  format: ExportFormat;
  out?: string;
  product?: string;
  from?: Date;
  to?: Date;
}

const PROGRESS_INTERVAL_MS = 2000;

export async function rebuildRollups(say: Say): Promise<void> {
  const database = await openDatabase('muster-rollups');
  const rollups = new Rollups(database);
  const sayProgress = throttle(say);
  try {
    const { days, durationMs } = await rollups.rebuild({
      onProgress: ({ step, done, of }) => sayProgress(`${step}: ${done} of ${of} days`),
    });
    say(`Days rebuilt: ${days}, in ${Math.round(durationMs / 1000)} s.`);
  } finally {
    await database.close();
  }
}

export async function exportRows(say: Say, view: string, options: ExportOptions): Promise<void> {
  const { format, out: file, product, from, to } = options;
  const sayProgress = throttle(say);
  // Opened first, so that a file that cannot be written is reported before the query starts.
  const out = file === undefined ? process.stdout : (await open(file, 'w')).createWriteStream();
  const database = await openDatabase('muster-export');
  try {
    const rows = await exportView(database, view, {
      ...{ format, out, product, from, to },
      onProgress: (count) => sayProgress(`${count} rows so far`),
    });
    say(`Rows written: ${rows}.`);
  } catch (error) {
    if (error instanceof ExportRefused) throw new Failure(error.message, { cause: error });
    throw error;
  } finally {
    await database.close();
  }
}

async function openDatabase(name: string): Promise<Database> {
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
