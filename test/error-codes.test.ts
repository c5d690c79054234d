import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { errorTable, statusesOf } from '#platform';

test.each([
  ['ingest', 'docs/api.md', '## Errors'],
  ['admin', 'docs/admin.md', '### Errors'],
] as const)(
  'the error codes of %s are those in %s, with their statuses',
  async (api, file, title) => {
    const [, section = ''] = (await readFile(file, 'utf8')).split(`\n${title}\n`);
    const [table = ''] = section.split(/\n\n(?!\|)/).filter((part) => part.includes('| status'));
    const documented = table.split('\n').flatMap((row) => {
      const [, status, codes = ''] = /^\| (\d{3}) +\| (.*)$/.exec(row) ?? [];
      const names = [...codes.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
      return names.filter((name) => name in errorTable).map((name) => [name, Number(status)]);
    });
    expect(Object.fromEntries(documented)).toEqual(statusesOf(api));
  },
);

test('every class of errors sets the name that logs show', async () => {
  const files = (await Promise.all(['apps', 'libs'].map(sourcesIn))).flat();
  const pattern =
    /class (\w+) extends (?:Error|RequestError|LedgerNotWritable) \{(?:\}|\n {2}(\S.*))/g;
  const classes = files.flatMap((text) => [...text.matchAll(pattern)]);
  expect(classes.length).toBeGreaterThan(20);
  for (const [, name, first = ''] of classes) {
    expect(first).toMatch(new RegExp(`^override readonly name(: string)? = '${name}';$`));
  }
});

async function sourcesIn(folder: string): Promise<string[]> {
  const files = (await readdir(folder, { recursive: true })).filter((it) =>
    /(?<!\.test)\.ts$/.test(it),
  );
  return Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
}
