import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parquetOf } from './parquet.js';
import { ViewReader, type ExportFilter, type RawRow } from './read-view.js';
import { csvOf, ndjsonOf } from './text-formats.js';

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
 * @param databaseUrl of anybody who may read the view; the role `analyst` may
 * @returns how many rows there were
 * @throws ExportRefused where there is no such view, or it has nothing to choose by; `out` is left alone
 */
export async function exportView(
  databaseUrl: string,
  view: string,
  { format, out, onProgress, ...filter }: ExportOptions,
): Promise<number> {
  const reader = await ViewReader.open(databaseUrl, view, filter);
  let count = 0;
  const counted = async function* (): AsyncGenerator<RawRow[]> {
    for await (const rows of reader.batches()) {
      count += rows.length;
      onProgress?.(count);
      yield rows;
    }
  };
  try {
    const chunks = FORMATS[format](reader.columns, counted());
    await pipeline(Readable.from(chunks, { objectMode: true, highWaterMark: 1 }), out);
    return count;
  } finally {
    await reader.close();
  }
}
