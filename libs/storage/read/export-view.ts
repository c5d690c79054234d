import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Database } from '../database/database.js';
import { parquetOf } from './parquet.js';
import { ViewReader, type ExportFilter, type RawRow } from './read-view.js';
import { csvOf, ndjsonOf } from './text-formats.js';

/** An export may take hours, at the pace of its consumer. */
const SETTINGS = {
  statement_timeout: 0,
  idle_in_transaction_session_timeout: 0,
  cursor_tuple_fraction: 1,
};

const FORMATS = { csv: csvOf, ndjson: ndjsonOf, parquet: parquetOf };

export type ExportFormat = keyof typeof FORMATS;
export const exportFormats = Object.keys(FORMATS) as ExportFormat[];

export interface ExportOptions extends ExportFilter {
  format: ExportFormat;
  /** Ended after the last row, destroyed if the export fails. */
  out: Writable;
  /** Receives the number of rows read so far. */
  onProgress?: (rows: number) => void;
}

/**
 * Exports a consistent snapshot of a view of the schema `fleet`. Memory is bounded for any number of rows, because
 * reading waits for `out`.
 *
 * @param database of a role that may read the view, such as `analyst`
 * @returns the number of rows
 * @throws ExportRefused if the view does not exist or lacks a column to filter by; `out` is untouched then
 */
export async function exportView(
  database: Database,
  view: string,
  { format, out, onProgress, ...filter }: ExportOptions,
): Promise<number> {
  return database.transaction(
    async (tx) => {
      const reader = await ViewReader.open(tx, view, filter);
      let count = 0;
      const counted = async function* (): AsyncGenerator<RawRow[]> {
        for await (const rows of reader.batches()) {
          count += rows.length;
          onProgress?.(count);
          yield rows;
        }
      };
      const chunks = FORMATS[format](reader.columns, counted());
      await pipeline(Readable.from(chunks, { objectMode: true, highWaterMark: 1 }), out);
      return count;
    },
    { isolation: 'REPEATABLE READ', isReadOnly: true, settings: SETTINGS },
  );
}
