import { readFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { catalogueMarkdown, ownDeclarations } from '#telemetry';

test('docs/catalogue.md matches the output of npm run docs', async () => {
  const file = 'docs/catalogue.md';
  const options = { ...(await resolveConfig(file)), filepath: file };
  expect(await readFile(file, 'utf8')).toBe(
    await format(catalogueMarkdown(ownDeclarations), options),
  );
});
