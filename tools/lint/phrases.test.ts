import { Linter } from 'eslint';
import { expect, test } from 'vitest';
import { findPhrases } from './phrases.mjs';
import { plainEnglish } from './plain-english.mjs';

function complaints(code: string): string[] {
  const linter = new Linter();
  const plugins = { local: { rules: { 'plain-english': plainEnglish } } };
  return linter
    .verify(code, { plugins, rules: { 'local/plain-english': 'error' } })
    .map(({ message }) => message);
}

test.each([
  '// Whoever waits hears how far it is.',
  '/** Stores events anew. */',
  '/** Lets go of what has expired. */',
  "const message = 'There is none.';",
  'const message = `${name}: somebody holds the lock`;',
])('a hard-to-read phrase is rejected with a replacement: %s', (code) => {
  expect(complaints(code)).toEqual([expect.stringMatching(/^Hard to read: ".+"\. Write /)]);
});

test('names in code are not text', () => {
  expect(complaints('const beside = anew(nobody);')).toEqual([]);
});

test('every place of a phrase is found', () => {
  expect(findPhrases('nobody, Somebody\nor whoever').map(({ index }) => index)).toEqual([0, 8, 20]);
});
