/** Runs a query as the role `analyst`, for machines without psql: sql.js ENDPOINTS_JSON QUERY. */
import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import type { Endpoints } from './endpoints.js';

const [file, query] = process.argv.slice(2);
if (!file || !query) {
  console.error('usage: node sql.js .data/endpoints.json "select ..."');
  process.exit(2);
}

try {
  const { analystUrl } = JSON.parse(await readFile(file, 'utf8')) as Endpoints;
  console.log(table(await runQuery(analystUrl, query)));
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}

/** @returns the column names and the rows; every value is text as Postgres prints it */
async function runQuery(connectionString: string, text: string): Promise<string[][]> {
  const types = { getTypeParser: () => String };
  const client = new Client({ connectionString, types });
  client.on('error', () => undefined); // the running statement fails with the same error
  await client.connect();
  try {
    const { fields, rows } = await client.query<(string | null)[]>({ text, rowMode: 'array' });
    const body = rows.map((row) => row.map((value) => value ?? ''));
    return [fields.map(({ name }) => name), ...body];
  } finally {
    await client.end();
  }
}

function table([heading = [], ...rows]: string[][]): string {
  const widths = heading.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: string[]) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ');
  const rule = widths.map((width) => '-'.repeat(width)).join('-+-');
  return [line(heading), rule, ...rows.map(line), `(rows: ${rows.length})`].join('\n');
}
