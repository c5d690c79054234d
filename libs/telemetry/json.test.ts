import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidRequest } from './envelope.js';
import { depthCheck, parseJson } from './json.js';

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

describe('a number that is not finite', () => {
  test('becomes text where Python and Java write it, and costs nothing else', () => {
    const finite = fc.jsonValue({ stringUnit: 'binary', maxDepth: 4 });
    const words = fc.constantFrom('NaN', 'Infinity', '-Infinity');
    fc.assert(
      fc.property(fc.array(fc.oneof(finite, words)), words, (values, word) => {
        const withWord = [...values, word, { [word]: [word, -1] }];
        // Texts stay what they are, also those that spell the word.
        const text = `[${JSON.stringify(withWord)}, ${word}, {"a":${word}}]`;
        expect(parseJson(Buffer.from(text), DEPTH)).toEqual([
          JSON.parse(JSON.stringify(withWord)),
          word,
          { a: word },
        ]);
      }),
    );
  });

  test('may overflow, and becomes text that reads as such', () => {
    const text = `{"a":1E+400,"b":[-1e400,1e+300],"c":{"d":1.5E999},"e":[[1${'0'.repeat(309)}]]}`;
    const value = { a: '1e999', b: ['-1e999', 1e300], c: { d: '1e999' }, e: [['1e999']] };
    expect(parseJson(Buffer.from(text), DEPTH)).toEqual(value);
    expect(parseJson(Buffer.from(`\ufeff[${text}, NaN]`), DEPTH)).toEqual([value, 'NaN']);
  });

  test.each([
    '1e999',
    '{"a":1E999 }',
    '[1e+400,2]',
    `[9.${'9'.repeat(400)}e308]`,
    `{"a":1${'0'.repeat(309)}}`,
  ])('may overflow, also as the only one: %s', (text) => {
    expect(JSON.stringify(parseJson(Buffer.from(text), DEPTH))).toContain('"1e999"');
  });

  test.each(['{"a":NaNa}', '{"a":1NaN}', '{"a":NaN.1}', '{"a":NaN', '{"a":"NaN}', 'NaN NaN'])(
    'is no excuse for %s',
    (text) => {
      expect(errorOf(text, DEPTH).code).toBe('invalid_json');
    },
  );
});

describe('the limit of depth', () => {
  const isTooDeep = (text: string, levels: number) => {
    const bytes = Buffer.from(text);
    return depthCheck(bytes, levels)(parseJson(bytes, levels));
  };

  test('lets pass an event that is exactly as deep, and none that is deeper', () => {
    fc.assert(
      fc.property(valueOfBrackets, (value) => {
        const [text, depth] = [JSON.stringify(value), depthOf(value)];
        expect(isTooDeep(text, depth)).toBe(false);
        expect(parseJson(Buffer.from(text), depth)).toEqual(JSON.parse(text));
        if (depth > 0) expect(isTooDeep(text, depth - 1)).toBe(true);
      }),
    );
  });

  test('holds for each event by itself, however a request wraps it', () => {
    const events = fc.array(valueOfBrackets, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(events, fc.nat(8), (values, levels) => {
        const bytes = Buffer.from(JSON.stringify({ batch: values }));
        const { batch } = parseJson(bytes, levels) as { batch: unknown[] };
        const check = depthCheck(bytes, levels);
        expect(batch.map(check)).toEqual(values.map((value) => depthOf(value) > levels));
        for (const [at, value] of values.entries()) {
          if (depthOf(value) <= levels)
            expect(batch[at]).toEqual(JSON.parse(JSON.stringify(value)));
        }
      }),
    );
  });

  test('counts nesting, not brackets', () => {
    const wide = JSON.stringify(Array.from({ length: 1000 }, () => ({ a: [] })));
    expect(isTooDeep(wide, 3)).toBe(false);
    expect(isTooDeep(wide, 2)).toBe(true);
  });

  test('keeps what is built of a deep value as shallow as the limit', () => {
    const text = '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000);
    expect(depthOf(parseJson(Buffer.from(text), DEPTH))).toBe(DEPTH + 3);
    expect(isTooDeep(text, DEPTH)).toBe(true);
  });

  test.each(['[', '{"a":', '[{"a":'])('holds for a million of %s that never end', (opening) => {
    expect(errorOf(opening.repeat(1_000_000), DEPTH).code).toBe('too_deep');
  });

  test('is not deceived by brackets that close first', () => {
    const text = ']'.repeat(100) + '['.repeat(100);
    expect(errorOf(text, DEPTH)).toBeInstanceOf(InvalidRequest);
  });
});

test('a body full of what has to be mended takes time in proportion to its length', () => {
  const timeOf = (words: number) => {
    const bytes = Buffer.from(`[${'NaN,[[]],'.repeat(words)}0]`);
    const start = process.hrtime.bigint();
    expect(parseJson(bytes, 0)).toHaveLength(2 * words + 1);
    return Number(process.hrtime.bigint() - start);
  };
  timeOf(10_000); // warm
  // Sixteen times the length would take 256 times as long if it grew with the square.
  expect(timeOf(320_000) / timeOf(20_000)).toBeLessThan(128);
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

  test.each(broken)('%j is reported with its position and never quoted', (text, place) => {
    for (const sent of [text, `\ufeff${text}`]) {
      const error = errorOf(sent, DEPTH);
      expect(error.code).toBe('invalid_json');
      expect(error.message).toBe(`The body is not valid JSON${place === '' ? '.' : `:${place}`}`);
    }
  });

  test('is never quoted, wherever the fault is', () => {
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

  test('may be an empty body, which the message states', () => {
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
    const hint = 'line 7, column 13. Replace the typographic quote there by ".';
    const text = readFileSync(sample, 'utf8');
    expect(errorOf(text, DEPTH).message).toBe(`The body is not valid JSON: ${hint}`);
    expect(errorOf(`\ufeff${text}`, DEPTH).message).toContain(hint);
  });

  test('may have such quotes around a value, for which the parser reports no position', () => {
    const message = errorOf('{\n  "name": \u201ckafka\u201d }', DEPTH).message;
    expect(message).toContain('line 2, column 11. Replace the typographic quote');
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
