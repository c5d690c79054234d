import type { Queryable } from '../database/queryable.js';

/** A view for analysts, with its comments. */
export interface ViewDescription {
  name: string;
  about: string;
  columns: { name: string; type: string; about: string }[];
}

/** Every view of the schema `fleet`, by name, with the comments in the database. */
export async function describeViews(database: Queryable): Promise<ViewDescription[]> {
  const { rows } = await database.query<ViewDescription>(`
    SELECT c.relname AS name, coalesce(obj_description(c.oid, 'pg_class'), '') AS about,
           json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, NULL),
                    'about', coalesce(col_description(c.oid, a.attnum), '')) ORDER BY a.attnum) AS columns
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relnamespace = 'fleet'::regnamespace AND c.relkind IN ('v', 'm')
     GROUP BY c.oid, c.relname ORDER BY c.relname`);
  return rows;
}

/** The data dictionary as Markdown, a section for each view. */
export function dictionaryMarkdown(views: readonly ViewDescription[]): string {
  const lines = [
    '# Data dictionary',
    '',
    'The views of the schema `fleet`, which the role `analyst` can query. Generated from the comments in the',
    'database, which `\\d+ fleet.installations` also shows. Times are `timestamptz`, in UTC unless your',
    'session sets another time zone.',
  ];
  for (const { name, about, columns } of views) {
    lines.push('', `## \`${name}\``, '', about, '', '| column | type | |', '| --- | --- | --- |');
    for (const column of columns) {
      lines.push(`| \`${column.name}\` | ${shortType(column.type)} | ${inCell(column.about)} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** The same as a dbt source (https://docs.getdbt.com/reference/source-properties), in YAML. */
export function dbtSource(views: readonly ViewDescription[]): string {
  const lines = [
    '# The schema fleet of Muster as a dbt source: copy it to models/ of your project.',
    'version: 2',
    'sources:',
    '  - name: fleet',
    '    schema: fleet',
    '    description: Reports of installations, for analysts.',
    '    tables:',
  ];
  for (const { name, about, columns } of views) {
    lines.push(`      - name: ${name}`, `        description: ${JSON.stringify(about)}`);
    lines.push('        columns:');
    for (const column of columns) {
      lines.push(`          - name: ${column.name}`);
      lines.push(`            description: ${JSON.stringify(column.about)}`);
      lines.push(`            data_type: ${column.type}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function shortType(type: string): string {
  return type.replace('timestamp with time zone', 'timestamptz').replace(/\(\d+\)/, '');
}

function inCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '\\<');
}
