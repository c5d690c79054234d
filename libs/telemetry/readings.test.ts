import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asCount, asNonNegativeNumber, asText, cleanText } from './readings.js';

/** Any string of UTF-16 units: NUL, control characters and halves of surrogate pairs included. */
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\u0000', '\n', '\u001b', '\u0085', ' ', '\ud83d', '\ude00', '😀', 'é'),
    fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
  ),
});

const NO_LIMIT = [
  ...[2 ** 31 - 1, 2 ** 32 - 1, 2 ** 53 - 1, 2 ** 53, 2 ** 54, 2 ** 63, 2 ** 64],
  // A cgroup without a limit, with pages of 4, 16 and 64 KB: in bytes, in KB, in pages.
  ...[9_223_372_036_854_771_712, 9_007_199_254_740_988, 2_251_799_813_685_247],
  ...[9_223_372_036_854_759_424, 9_007_199_254_740_976, 562_949_953_421_311],
  ...[9_223_372_036_854_710_272, 9_007_199_254_740_928, 140_737_488_355_327],
  // In MB.
  8_796_093_022_207,
];

const nonsense: [raw: unknown, reason: string][] = [
  [-1, 'negative'],
  [-0.5, 'negative'],
  ['-3', 'negative'],
  [Infinity, 'out_of_range'],
  [JSON.parse('1e999'), 'out_of_range'],
  ['1e999', 'out_of_range'],
  [NaN, 'not_a_number'],
  ['NaN', 'not_a_number'],
  ['Infinity', 'not_a_number'],
  [true, 'not_a_number'],
  [false, 'not_a_number'],
  [null, 'not_a_number'],
  [undefined, 'not_a_number'],
  [[3], 'not_a_number'],
  [{}, 'not_a_number'],
  ['', 'not_a_number'],
  [' \n', 'not_a_number'],
  ['0x10', 'not_a_number'],
  ['1,000', 'not_a_number'],
  ['1_000', 'not_a_number'],
  ['3 nodes', 'not_a_number'],
  ['٣', 'not_a_number'],
];

describe('a count', () => {
  test('is every whole number from 0 to 2^31-2, sent as a number or as text', () => {
    const counts = fc.integer({ min: 0, max: 2_147_483_646 });
    fc.assert(
      fc.property(counts, (n) => {
        for (const sent of [n, `${n}`, `${n}\n`, ` +${n}.0 `]) {
          expect(asCount(sent)).toEqual({ value: n });
        }
      }),
    );
  });

  test.each([
    ...nonsense,
    [0.5, 'fractional'],
    ['2.5', 'fractional'],
    [2_147_483_647, 'out_of_range'],
    [2_147_483_648, 'out_of_range'],
    ['2147483648', 'out_of_range'],
    [Number.MAX_VALUE, 'out_of_range'],
  ])('is not %o: it is %s', (raw, defect) => {
    expect(asCount(raw)).toEqual({ defect });
  });
});

describe('a figure', () => {
  test('is every number from 0 to the largest plausible one, sent as a number or as text', () => {
    const figures = fc
      .double({ min: 0, max: 1e15, noNaN: true })
      .filter((it) => !NO_LIMIT.includes(it));
    fc.assert(
      fc.property(figures, (figure) => {
        for (const sent of [figure, `${figure}`, `${figure}\n`]) {
          expect(asNonNegativeNumber(sent, 1e15)).toEqual({ value: figure });
        }
      }),
    );
  });

  test('has no negative zero, for equal contents must have equal hashes', () => {
    for (const zero of [-0, '-0', '-0.0', 0]) {
      expect(asNonNegativeNumber(zero, 1e15)).toEqual({ value: 0 });
      expect(asCount(zero)).toEqual({ value: 0 });
    }
  });

  test.each(nonsense)('is not %o: it is %s', (raw, defect) => {
    expect(asNonNegativeNumber(raw, Infinity)).toEqual({ defect });
  });
});

describe('what programs write for "no limit"', () => {
  test.each([...NO_LIMIT, ...NO_LIMIT.map(String)])('is no measurement: %s', (raw) => {
    expect(asNonNegativeNumber(raw, Infinity)).toEqual({ defect: 'out_of_range' });
    expect(asCount(raw, Infinity)).toEqual({ defect: 'out_of_range' });
  });

  test.each([2 ** 33, 2 ** 34, 2 ** 43, 2 ** 44, 2 ** 47, 2 ** 50, 2 ** 52])(
    'is a measurement where it is %d, which may be a size in bytes',
    (size) => {
      expect(asNonNegativeNumber(size, Infinity)).toEqual({ value: size });
    },
  );

  test('is above the bound of a figure that has one, and so is all that is', () => {
    for (const raw of [1e18, 1.797e308, Number.MAX_VALUE, 1e15 + 1]) {
      expect(asNonNegativeNumber(raw, 1e15)).toEqual({ defect: 'out_of_range' });
    }
    expect(asNonNegativeNumber(1e15, 1e15)).toEqual({ value: 1e15 });
    expect(asNonNegativeNumber(-1, 1e15)).toEqual({ defect: 'negative' });
  });
});

describe('text', () => {
  test('that can be shown and stored stays as it is', () => {
    const words = fc.string({ unit: 'grapheme', minLength: 1 }).filter(isClean);
    fc.assert(
      fc.property(words, (text) => {
        expect(asText(text, text.length)).toEqual({ value: text });
        expect(asText(` ${text}\n`, text.length)).toEqual({ value: text });
      }),
    );
  });

  test('never leaves with a NUL, a control character, half a character or a blank at its ends', () => {
    fc.assert(
      fc.property(anyText, fc.nat(20), (raw, maxLength) => {
        const text = asText(raw, maxLength);
        if ('defect' in text) expect(['malformed', 'too_long']).toContain(text.defect);
        else {
          expect(isClean(text.value)).toBe(true);
          expect(text.value.length).toBeLessThanOrEqual(maxLength);
        }
      }),
    );
  });

  test('is clean after one cleaning', () => {
    fc.assert(
      fc.property(anyText, (raw) => {
        const once = cleanText(raw);
        expect(cleanText(once)).toBe(once);
        expect(once === '' || isClean(once)).toBe(true);
      }),
    );
  });

  test('loses what would steer a terminal', () => {
    expect(asText('kaf\u0000ka\u001b[31m\r\n', 50)).toEqual({ value: 'kafka[31m' });
    expect(asText('kafka-\ud83d', 50)).toEqual({ value: 'kafka-\ufffd' });
  });

  test('may be as long as the limit and no longer', () => {
    expect(asText('x'.repeat(128), 128)).toEqual({ value: 'x'.repeat(128) });
    expect(asText('x'.repeat(129), 128)).toEqual({ defect: 'too_long' });
  });

  test.each([
    ['', 'malformed'],
    ['\n\u0000 ', 'malformed'],
    [3, 'not_text'],
    [null, 'not_text'],
    [undefined, 'not_text'],
    [['kafka'], 'not_text'],
  ])('is not %o: it is %s', (raw, defect) => {
    expect(asText(raw, 128)).toEqual({ defect });
  });
});

function isClean(text: string): boolean {
  return text !== '' && text.isWellFormed() && !/\p{Cc}|^\s|\s$/u.test(text);
}
