import { ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import type { RawRow } from './read-view.js';
import { toIso } from './text-formats.js';
import type { Column, ColumnKind } from './view-columns.js';

/** Limits of a row group, which is held in memory several times over until it is written. */
const VALUES_IN_GROUP = 200_000;
const CHARACTERS_IN_GROUP = 4_000_000;

type Parquet = Pick<SchemaElement, 'type' | 'converted_type'> & {
  read: (value: string) => unknown;
};

/** Times are in milliseconds, UTC. */
const KINDS: Record<ColumnKind, Parquet> = {
  boolean: { type: 'BOOLEAN', read: (value) => value.startsWith('t') },
  int32: { type: 'INT32', read: Number },
  int64: { type: 'INT64', read: BigInt },
  double: { type: 'DOUBLE', read: Number },
  time: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    read: (value) => new Date(toIso(value)),
  },
  date: { type: 'INT32', converted_type: 'DATE', read: (value) => new Date(value) },
  json: { type: 'BYTE_ARRAY', converted_type: 'UTF8', read: (value) => value },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', read: (value) => value },
};

/** Yields a Snappy-compressed Parquet file, one row group at a time. All columns are nullable. */
export async function* parquetOf(
  columns: readonly Column[],
  batches: AsyncIterable<RawRow[]>,
): AsyncGenerator<Uint8Array> {
  const bytes = new ByteWriter();
  const parquet = new ParquetWriter({
    writer: bytes,
    schema: schemaOf(columns),
    createdBy: 'muster',
  });
  let group: RawRow[] = [];
  let characters = 0;
  const write = () => {
    const columnData = columns.map(({ name, kind }, at) => {
      const { read } = KINDS[kind];
      const data = group.map((row) => {
        const value = row[at] ?? null;
        return value === null ? null : read(value);
      });
      return { name, data, offsetIndex: false };
    });
    void parquet.write({ columnData, rowGroupSize: group.length });
    group = [];
    characters = 0;
    return takeBytes(bytes);
  };
  for await (const rows of batches) {
    group.push(...rows);
    for (const row of rows) for (const value of row) characters += value?.length ?? 0;
    const isFull = group.length * columns.length >= VALUES_IN_GROUP;
    if (isFull || characters >= CHARACTERS_IN_GROUP) yield write();
  }
  if (group.length > 0) yield write();
  void parquet.finish();
  yield parquet.num_rows > 0n ? takeBytes(bytes) : withTypedList(takeBytes(bytes));
}

function schemaOf(columns: readonly Column[]): SchemaElement[] {
  const elements = columns.map(({ name, kind }): SchemaElement => {
    const { read: _, ...type } = KINDS[kind];
    return { name, ...type, repetition_type: 'OPTIONAL' };
  });
  return [{ name: 'root', num_children: columns.length }, ...elements];
}

/** Part of the footer: `num_rows` is 0, then an empty list of row groups with element type 0. */
const NO_ROW_GROUPS = Buffer.from([0x16, 0x00, 0x19, 0x00]);
/** Element type `struct` in Thrift's compact protocol. */
const STRUCT_TYPE = 0x0c;

/** The library writes empty lists without an element type, which strict readers reject. */
function withTypedList(file: Uint8Array): Uint8Array {
  const at = Buffer.from(file.buffer).lastIndexOf(NO_ROW_GROUPS);
  if (at >= 0) file[at + NO_ROW_GROUPS.length - 1] = STRUCT_TYPE;
  return file;
}

/** Takes the bytes written since the last call. The writer's file offset is not reset. */
function takeBytes(bytes: ByteWriter): Uint8Array {
  const chunk = bytes.getBytes().slice();
  bytes.index = 0;
  return chunk;
}
