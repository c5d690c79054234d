import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface SchemaFile {
  /** Of a migration, its folder; of a view, its qualified name: `fleet.reports`. */
  name: string;
  sql: string;
  checksum: string;
}

/** The folder `prisma` of this installation, seen from the sources as from the build. */
export function findSchemaFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'prisma', 'migrations'))) {
    if (folder === dirname(folder)) throw new Error('The folder prisma/migrations is missing.');
    folder = dirname(folder);
  }
  return join(folder, 'prisma');
}

/** `migrations/NAME/migration.sql`, by name. */
export async function readMigrations(folder: string): Promise<SchemaFile[]> {
  const names = await foldersIn(join(folder, 'migrations'));
  return Promise.all(
    names.map((name) => readSql(name, join(folder, 'migrations', name, 'migration.sql'))),
  );
}

/** `views/SCHEMA/NAME.sql`, each after the views that it selects from. */
export async function readViews(folder: string): Promise<SchemaFile[]> {
  const views: SchemaFile[] = [];
  for (const schema of await foldersIn(join(folder, 'views'))) {
    const files = (await readdir(join(folder, 'views', schema))).sort();
    for (const file of files.filter((it) => it.endsWith('.sql'))) {
      const name = `${schema}.${file.slice(0, -'.sql'.length)}`;
      views.push(await readSql(name, join(folder, 'views', schema, file)));
    }
  }
  return inOrder(views);
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

async function readSql(name: string, file: string): Promise<SchemaFile> {
  const sql = await readFile(file, 'utf8');
  return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
}

function inOrder(views: readonly SchemaFile[]): SchemaFile[] {
  const byName = new Map(views.map((view) => [view.name, view]));
  const ordered = new Set<SchemaFile>();
  const visited = new Set<SchemaFile>();
  const visit = (view: SchemaFile) => {
    if (visited.has(view)) return;
    visited.add(view);
    for (const name of qualifiedNames(view.sql)) {
      const used = byName.get(name);
      if (used) visit(used);
    }
    ordered.add(view);
  };
  views.forEach(visit);
  return [...ordered];
}

/** Names such as `fleet.reports` in a statement, outside of its texts and comments. */
function qualifiedNames(sql: string): string[] {
  const code = sql.replace(/'[^']*'|--.*/g, '');
  return code.match(/\b[a-z]\w*\.[a-z]\w*/g) ?? [];
}
