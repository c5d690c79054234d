import { readFile } from 'node:fs/promises';

/** A worked query of docs/cookbook.md. */
export interface Recipe {
  /** Its heading: the question. */
  question: string;
  sql: string;
}

/** The queries of the cookbook, in order: each is the first block of SQL below a heading. */
export async function readCookbook(file = 'docs/cookbook.md'): Promise<Recipe[]> {
  const text = await readFile(file, 'utf8');
  return text.split(/^### /m).flatMap((section) => {
    const question = section.split('\n', 1)[0]?.trim() ?? '';
    const sql = /^```sql\n([\s\S]*?)^```/m.exec(section)?.[1];
    return sql === undefined ? [] : [{ question, sql: sql.trim() }];
  });
}
