import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A name that sorts after all migrations. */
export const LATER = '29990101000000_later';

/**
 * A copy of the folder `prisma` in which these files have other contents, as in a later release. A file without a
 * content is missing. The copy is deleted after the test.
 */
export async function laterSchema(files: Record<string, string | undefined>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-schema-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await cp('prisma', folder, { recursive: true });
  for (const [file, content] of Object.entries(files)) {
    const path = join(folder, file);
    if (content === undefined) {
      await rm(path);
    } else {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
    }
  }
  return folder;
}

/** A later schema with one more migration. */
export function withMigration(sql: string): Promise<string> {
  return laterSchema({ [`migrations/${LATER}/migration.sql`]: sql });
}
