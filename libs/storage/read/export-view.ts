import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Database } from '../database/database.js';
import { parquetOf } from './parquet.js';
import { ViewReader, type ExportFilter, type RawRow } from './read-view.js';
import { csvOf, ndjsonOf } from './text-formats.js';

/** A long read, at the pace of its reader. */
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
  /** Is ended with the last row, and destroyed where the export fails. */
  out: Writable;
  /** Told how many rows have been read. */
  onProgress?: (rows: number) => void;
}

/**
 * Writes the rows of a view of the schema `fleet` for a tool outside, as they are at one moment. Memory is
 * bounded, however many there are: no more is read than `out` takes.
 *
 * @param database of a role that may read the view; the role `analyst` may
 * @returns how many rows there were
 * @throws ExportRefused where there is no such view, or it has nothing to choose by; `out` is left alone
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
