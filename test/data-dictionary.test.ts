import { format, resolveConfig } from 'prettier';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dbtSource, describeViews, dictionaryMarkdown, type ViewDescription } from '#storage';
import { createDatabase, type TestDatabase, connectionsOf } from './support/database.js';

let database: TestDatabase;
let views: ViewDescription[];

beforeAll(async () => {
  database = await createDatabase();
  views = await describeViews(connectionsOf(database.url));
});

afterAll(() => database.drop());

test.each([
  ['docs/data-dictionary.md', dictionaryMarkdown],
  ['docs/dbt/fleet.yml', dbtSource],
])('%s matches the comments of the views in the database', async (file, write) => {
  const options = { ...(await resolveConfig(file)), filepath: file };
  // npm run docs regenerates it.
  await expect(await format(write(views), options)).toMatchFileSnapshot(`../${file}`);
});
