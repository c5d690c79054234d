import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { tableFromIPC } from 'apache-arrow';
import { readParquet } from 'parquet-wasm';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { exportFormats, ExportRefused, exportView, type ExportOptions } from '#storage';
import { Asker, createDatabase, type TestDatabase, connectionsOf } from './support/database.js';
import { atScale } from './support/scale.js';

/** So many rows fill several row groups, and take more than the heap of 40 MB. */
const MANY = atScale(25_000, 60_000);

let database: TestDatabase;
let owner: Asker;

beforeAll(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  await owner.ask(`
    CREATE VIEW fleet.samples AS
    SELECT * FROM (VALUES
      ('dcos', true, 1::smallint, 7, 9007199254740993::bigint, 0.1::float8, 12345.5::numeric,
       timestamptz '2025-01-02 03:04:05.678Z', date '2025-01-02', ARRAY['a', 'b "c"'],
       '{"x": [1, null]}'::jsonb, '00000000-0000-0000-0000-00000000000a'::uuid, E'line\\nof "text", größer'),
      ('octopus', false, 0::smallint, -7, -1::bigint, 1e300, 0, timestamptz '2025-02-01 00:00Z',
       date '2025-02-01', '{}', '{}', '00000000-0000-0000-0000-00000000000b', ''),
      ('octopus', NULL, NULL, NULL, NULL, NULL, NULL, timestamptz '2025-03-01 00:00Z', NULL, NULL, NULL, NULL, NULL)
    ) AS v(product, is_on, small, whole, big, figure, exact, observed_at, day, list, object, id, note);
    CREATE VIEW fleet.odd AS SELECT 'NaN'::float8 AS nan, '-Infinity'::float8 AS low, 1e20::float8 AS high,
           '2025-01-01 00:00:00.123456Z'::timestamptz AS fine, '1 day'::interval AS span;
    CREATE VIEW fleet.many AS
    SELECT n, md5(n::text) AS digest, now() AS observed_at, n * 0.5::float8 AS figure, repeat('x', 1200) AS filling
      FROM generate_series(1, ${MANY}) n;
    CREATE TABLE fleet.no_view (secret text);
    GRANT SELECT ON ALL TABLES IN SCHEMA fleet TO analyst`);
});

afterAll(async () => {
  await owner.end();
  await database.drop();
});

async function exported(view: string, options: Partial<ExportOptions> = {}): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const out = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await exportView(connectionsOf(database.analystUrl), view, { format: 'csv', ...options, out });
  return Buffer.concat(chunks);
}

const text = async (view: string, options: Partial<ExportOptions>) =>
  (await exported(view, options)).toString();

function readBack(parquet: Buffer) {
  const table = tableFromIPC(readParquet(new Uint8Array(parquet)).intoIPCStream());
  return { table, rows: table.toArray().map((row) => (row as { toJSON(): object }).toJSON()) };
}

test('CSV has a header and ISO times, and distinguishes an empty text from null', async () => {
  expect(await text('samples', { format: 'csv' })).toBe(
    `product,is_on,small,whole,big,figure,exact,observed_at,day,list,object,id,note
dcos,true,1,7,9007199254740993,0.1,12345.5,2025-01-02T03:04:05.678Z,2025-01-02,"[""a"",""b \\""c\\""""]","{""x"": [1, null]}",00000000-0000-0000-0000-00000000000a,"line
of ""text"", größer"
octopus,false,0,-7,-1,1e+300,0,2025-02-01T00:00:00Z,2025-02-01,[],{},00000000-0000-0000-0000-00000000000b,""
octopus,,,,,,,2025-03-01T00:00:00Z,,,,,
`,
  );
});

test('NDJSON has one object per line, with all digits of a number', async () => {
  const lines = (await text('samples', { format: 'ndjson' })).trimEnd().split('\n');
  expect(lines[0]).toContain('"big":9007199254740993,"figure":0.1,"exact":12345.5,');
  expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
    {
      ...{ product: 'dcos', is_on: true, small: 1, whole: 7, big: Number('9007199254740993') },
      ...{ figure: 0.1, exact: 12345.5, observed_at: '2025-01-02T03:04:05.678Z' },
      ...{ day: '2025-01-02', list: ['a', 'b "c"'], object: { x: [1, null] } },
      ...{ id: '00000000-0000-0000-0000-00000000000a', note: 'line\nof "text", größer' },
    },
    {
      ...{
        product: 'octopus',
        is_on: false,
        small: 0,
        whole: -7,
        big: -1,
        figure: 1e300,
        exact: 0,
      },
      ...{ observed_at: '2025-02-01T00:00:00Z', day: '2025-02-01', list: [], object: {} },
      ...{ id: '00000000-0000-0000-0000-00000000000b', note: '' },
    },
    {
      ...{ product: 'octopus', is_on: null, small: null, whole: null, big: null, figure: null },
      ...{ exact: null, observed_at: '2025-03-01T00:00:00Z', day: null, list: null },
      ...{ object: null, id: null, note: null },
    },
  ]);
  expect(JSON.parse(await text('odd', { format: 'ndjson' }))).toEqual({
    ...{ nan: 'NaN', low: '-Infinity', high: 1e20, fine: '2025-01-01T00:00:00.123456Z' },
    span: '1 day',
  });
});

test('another reader can read the Parquet file, with the types of the columns', async () => {
  const { table, rows } = readBack(await exported('samples', { format: 'parquet' }));
  const types = table.schema.fields.map(({ name, type }) => [name, String(type)]);
  expect(Object.fromEntries(types)).toEqual({
    ...{ product: 'Utf8', is_on: 'Bool', small: 'Int32', whole: 'Int32', big: 'Int64' },
    ...{ figure: 'Float64', exact: 'Float64', observed_at: 'Timestamp<MILLISECOND, UTC>' },
    ...{ day: 'Date32<DAY>', list: 'Utf8', object: 'Utf8', id: 'Utf8', note: 'Utf8' },
  });
  expect(rows).toEqual([
    {
      ...{ product: 'dcos', is_on: true, small: 1, whole: 7, big: 9007199254740993n },
      ...{ figure: 0.1, exact: 12345.5, observed_at: Date.UTC(2025, 0, 2, 3, 4, 5, 678) },
      ...{ day: Date.UTC(2025, 0, 2), list: '["a","b \\"c\\""]', object: '{"x": [1, null]}' },
      ...{ id: '00000000-0000-0000-0000-00000000000a', note: 'line\nof "text", größer' },
    },
    {
      ...{ product: 'octopus', is_on: false, small: 0, whole: -7, big: -1n, figure: 1e300 },
      ...{ exact: 0, observed_at: Date.UTC(2025, 1, 1), day: Date.UTC(2025, 1, 1), list: '[]' },
      ...{ object: '{}', id: '00000000-0000-0000-0000-00000000000b', note: '' },
    },
    {
      ...{ product: 'octopus', is_on: null, small: null, whole: null, big: null, figure: null },
      ...{ exact: null, observed_at: Date.UTC(2025, 2, 1), day: null, list: null, object: null },
      ...{ id: null, note: null },
    },
  ]);
});

test('a large Parquet file has several row groups and contains each row once', async () => {
  const parquet = await exported('many', { format: 'parquet' });
  const { table } = readBack(parquet);
  expect(table.numRows).toBe(MANY);
  const numbers = table.getChild('n')?.toArray() as Int32Array;
  expect(numbers.reduce((sum, n) => sum + n, 0)).toBe((MANY * (MANY + 1)) / 2);
  expect(numbers.every((n, at) => n === at + 1)).toBe(true);
}, 60_000);

describe.each(exportFormats)('an export as %s', (format) => {
  test('supports every view of fleet, even if it is empty', async () => {
    const views = await owner.ask(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'fleet'::regnamespace AND relkind = 'v'
          AND relname <> 'many'`,
    );
    for (const { name } of views) {
      const bytes = await exported(name as string, { format });
      if (format === 'parquet') expect(readBack(bytes).table.numCols).toBeGreaterThan(0);
      if (format === 'csv') expect(bytes.length).toBeGreaterThan(0);
    }
    expect(views.length).toBeGreaterThan(10);
  });
});

test('an export of every format uses constant memory, regardless of the number of rows', async () => {
  const script = `
      import { createWriteStream } from 'node:fs';
      import { Database, exportView } from './dist/libs/storage/index.js';
      const [databaseUrl, ...formats] = process.argv.slice(1);
      let most = 0;
      const rows = [];
      const database = new Database({ databaseUrl, name: 'test', connections: 2 });
      for (const format of formats) rows.push(await exportView(database, 'many', {
        format,
        out: createWriteStream('/dev/null'),
        onProgress: () => (most = Math.max(most, process.memoryUsage().rss)),
      }));
      await database.close();
      console.log(JSON.stringify({ rows, most }));`;
  expect(inject('services').isBuilt).toBe(true);
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['--max-old-space-size=40', '--input-type=module', '-e', script],
    ...[database.analystUrl, ...exportFormats],
  ]);
  const { rows, most } = JSON.parse(stdout) as { rows: number[]; most: number };
  expect(rows).toEqual(exportFormats.map(() => MANY));
  expect(most).toBeLessThan(220 * 1024 * 1024);
}, 60_000);

test('an export reads no faster than its output accepts', async () => {
  let read = 0;
  const waiting: (() => void)[] = [];
  let isSlow = true;
  const out = new Writable({
    write(_chunk, _encoding, done) {
      if (isSlow) waiting.push(done);
      else done();
    },
  });
  const exporting = exportView(connectionsOf(database.analystUrl), 'many', {
    ...{ format: 'csv', out, onProgress: (rows: number) => (read = rows) },
  });
  await expect.poll(() => waiting.length).toBe(1);
  await sleep(500);
  const readMeanwhile = read;
  isSlow = false;
  waiting[0]?.();
  expect(await exporting).toBe(MANY);
  expect(readMeanwhile).toBeLessThan(20_000);
});

test('an export reports its progress on stderr', async () => {
  const exporting = spawn(process.execPath, ['dist/apps/cli/main.js', 'export', 'many'], {
    env: { DATABASE_URL: database.url },
  });
  let said = '';
  exporting.stderr.on('data', (chunk) => (said += String(chunk)));
  // Pauses the reader, so that the export lasts longer than the progress interval.
  await once(exporting.stdout, 'readable');
  await sleep(2500);
  exporting.stdout.resume();
  expect(await once(exporting, 'close')).toEqual([0, null]);
  expect(said).toMatch(new RegExp(`^(\\d+ rows so far\\n)+Rows written: ${MANY}\\.\\n$`));
});

test('an export whose reader has enough, such as head, ends without an error', async () => {
  const exporting = spawn(process.execPath, ['dist/apps/cli/main.js', 'export', 'many'], {
    env: { DATABASE_URL: database.url },
  });
  let said = '';
  exporting.stderr.on('data', (chunk) => (said += String(chunk)));
  await once(exporting.stdout, 'readable');
  exporting.stdout.destroy();
  expect([...(await once(exporting, 'close')), said]).toEqual([0, null, '']);
});

test('an export whose output fails ends and releases its connection', async () => {
  const out = new Writable({
    write(_chunk, _encoding, done) {
      done(new Error('the disk is full'));
    },
  });
  const exporting = exportView(connectionsOf(database.analystUrl), 'many', { format: 'csv', out });
  await expect(exporting).rejects.toThrow('the disk is full');
  await expect
    .poll(() =>
      owner.ask(`SELECT FROM pg_stat_activity WHERE application_name = 'muster-test' AND query ILIKE '%exported%' AND state <> 'idle'
                              AND datname = current_database()`),
    )
    .toEqual([]);
});

test('an export can be filtered by product and by the first time column of the view', async () => {
  const days = async (options: Partial<ExportOptions>) => {
    const lines = (await text('samples', { format: 'ndjson', ...options })).trimEnd().split('\n');
    return lines
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { observed_at: string }).observed_at);
  };
  const [january, february, march] = [
    '2025-01-02T03:04:05.678Z',
    '2025-02-01T00:00:00Z',
    '2025-03-01T00:00:00Z',
  ];
  expect(await days({ product: 'octopus' })).toEqual([february, march]);
  expect(await days({ from: new Date(february) })).toEqual([february, march]);
  expect(await days({ to: new Date(february) })).toEqual([january]);
  expect(await days({ product: `' OR true --` })).toEqual([]);
});

test.each([
  ['an unknown view', 'nothing', {}, 'There is no view "nothing" in fleet; there are '],
  ['a table', 'no_view', {}, 'There is no view "no_view" in fleet'],
  ['a table outside fleet', 'public.report', {}, 'There is no view "public.report" in fleet'],
  ['SQL', 'samples; DROP VIEW fleet.samples', {}, 'There is no view '],
  [
    'a product of a view without products',
    'odd',
    { product: 'dcos' },
    'The view odd has no product to choose by.',
  ],
  [
    'a time of a view without times',
    'odd',
    { from: new Date() },
    'The view odd has no time to choose by.',
  ],
])('an export of %s is refused with the reason', async (_, view, options, message) => {
  const asking = exported(view, options);
  await expect(asking).rejects.toThrow(ExportRefused);
  await expect(asking).rejects.toThrow(message);
});
