import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidRequest } from './envelope.js';
import { parseJson } from './json.js';

const DEPTH = 20;

describe('what is read', () => {
  test('is what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary', maxDepth: 8 }), (text) => {
        expect(parseJson(Buffer.from(text), DEPTH)).toEqual(JSON.parse(text));
      }),
    );
  });

  test('may begin with a byte order mark', () => {
    expect(parseJson(Buffer.from('\ufeff{"a":"\ufeffb"}'), DEPTH)).toEqual({ a: '\ufeffb' });
  });

  test('changes no prototype, whatever its keys are called', () => {
    const text = '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}';
    const value = parseJson(Buffer.from(text), DEPTH) as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect('isAdmin' in value).toBe(false);
    expect('isAdmin' in {}).toBe(false);
  });
});

describe('the limit of depth', () => {
  test('lets pass what is exactly as deep, and nothing deeper', () => {
    fc.assert(
      fc.property(valueOfBrackets, (value) => {
        const [text, depth] = [JSON.stringify(value), depthOf(value)];
        expect(parseJson(Buffer.from(text), depth)).toEqual(JSON.parse(text));
        if (depth > 0) expect(errorOf(text, depth - 1).code).toBe('too_deep');
      }),
    );
  });

  test('counts nesting, not brackets', () => {
    const wide = JSON.stringify(Array.from({ length: 1000 }, () => ({ a: [] })));
    expect(parseJson(Buffer.from(wide), 3)).toHaveLength(1000);
    expect(errorOf(wide, 2).code).toBe('too_deep');
  });

  test.each(['[', '{"a":', '[{"a":'])('holds for a million of %s that never end', (opening) => {
    expect(errorOf(opening.repeat(1_000_000), DEPTH).code).toBe('too_deep');
  });

  test('is not deceived by brackets that close first', () => {
    const text = ']'.repeat(100) + '['.repeat(100);
    expect(errorOf(text, DEPTH)).toBeInstanceOf(InvalidRequest);
  });
});

describe('what is no JSON', () => {
  const broken: [text: string, place: string][] = [
    ['SECRET', ''],
    ['{"a": SECRET}', ''],
    ['{"SECRET": "a" "b"}', ' line 1, column 16.'],
    ['{"a": "SECRET', ' line 1, column 14.'],
    ['{\n  "SECRET": 1,\n  oops\n}', ' line 3, column 3.'],
    ['{"SECRET": 1}}', ' line 1, column 14.'],
    ['{"a":\n"SECRET\t"}', ' line 2, column 8.'],
    ['["SECRET" "in JSON at position 3"]', ' line 1, column 11.'],
    ['[position 1, SECRET]', ''],
    [' JSON at position 9', ''],
  ];

  test.each(broken)('%j is told by its place and never repeated', (text, place) => {
    for (const sent of [text, `\ufeff${text}`]) {
      const error = errorOf(sent, DEPTH);
      expect(error.code).toBe('invalid_json');
      expect(error.message).toBe(`The body is not valid JSON${place === '' ? '.' : `:${place}`}`);
    }
  });

  test('is never repeated, wherever it breaks', () => {
    const words = fc.stringMatching(/^[a-z]{8,60}$/);
    const texts = fc.tuple(words, fc.nat(12)).map(([word, at]) => ({
      word,
      text: JSON.stringify({ [word]: [word] }).replace(word, (it) => `${it.slice(0, at)}"${it}`),
    }));
    fc.assert(
      fc.property(texts, ({ word, text }) => {
        expect(errorOf(text, DEPTH).message).not.toContain(word.slice(0, 8));
      }),
    );
  });

  test('may be an empty body, and the message says so', () => {
    for (const text of ['', ' \r\n', '\ufeff']) {
      expect(errorOf(text, DEPTH)).toMatchObject({
        code: 'invalid_json',
        message: 'The body is empty; JSON was expected.',
      });
    }
  });

  test('may be a sample copied from a document, quotes and all', () => {
    const sample = new URL(
      '../../test/fixtures/documents/composite-as-printed.json',
      import.meta.url,
    );
    const hint = 'line 7, column 13. There stands a typographic quote; JSON wants the plain ".';
    const text = readFileSync(sample, 'utf8');
    expect(errorOf(text, DEPTH).message).toBe(`The body is not valid JSON: ${hint}`);
    expect(errorOf(`\ufeff${text}`, DEPTH).message).toContain(hint);
  });

  test('may have such quotes around a value, where the parser names no place', () => {
    const message = errorOf('{\n  "name": \u201ckafka\u201d }', DEPTH).message;
    expect(message).toContain('line 2, column 11. There stands a typographic quote');
  });
});

function errorOf(text: string, maxDepth: number): InvalidRequest {
  try {
    parseJson(Buffer.from(text), maxDepth);
  } catch (error) {
    if (error instanceof InvalidRequest) return error;
    throw error;
  }
  throw new Error('it was read');
}

/** Values whose texts are full of what only looks like nesting, or like the end of a string. */
const valueOfBrackets = fc.jsonValue({
  maxDepth: 12,
  depthSize: 'max',
  stringUnit: fc.constantFrom('[', ']', '{', '}', '"', '\\', 'é', '\n'),
});

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
