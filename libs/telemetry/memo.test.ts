import { expect, test } from 'vitest';
import { memoize } from './memo.js';

function counted(maxCharacters: number) {
  const made: string[] = [];
  const read = memoize(maxCharacters, (text) => {
    made.push(text);
    return { text };
  });
  return { made, read };
}

test('the same text is read once, and gives the same answer', () => {
  const { made, read } = counted(10);
  expect(read('a')).toBe(read('a'));
  expect(made).toEqual(['a']);
});

test('what is remembered is bounded', () => {
  const { made, read } = counted(2);
  for (const text of ['a', 'b', 'c', 'a']) expect(read(text)).toEqual({ text });
  expect(made).toEqual(['a', 'b', 'c', 'a']);
});

test('a long text is read, and not remembered', () => {
  const { made, read } = counted(10);
  const long = 'x'.repeat(11);
  expect(read(long)).toEqual(read(long));
  expect(made).toHaveLength(2);
});
