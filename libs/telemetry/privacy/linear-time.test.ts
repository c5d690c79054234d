import { describe, expect, test } from 'vitest';
import { isIdentifying, isName, isVersion } from './identifying.js';
import { isEventName, safeKey } from './keys.js';
import { splitMessage } from './message-parts.js';
import { maxAnonymous } from './number-names.js';
import { asCustomerKey, asToken } from './tokens.js';

/*
 * Time is compared with time: twice the text may take some three times as long (caches, garbage), but a
 * quadratic matcher takes four times as long, and eight times as much text 64 times as long.
 */
const SMALL = 1000;
const TIMES = 8;
const MOST = 24;
/** Shorter durations are mostly noise. */
const FLOOR_MS = 0.5;

const PIECES = [
  ...['a', '1', '.', '-', '_', '/', '\\', ':', '@', '"', "'", '`', '“', '’', '«', ' ', '$', '%'],
  ...[
    '’.a.',
    'a.',
    'a@',
    '@a',
    ':/',
    '://',
    '::',
    '1.',
    '1_',
    "1'",
    '+1',
    '.1',
    '~/',
    '\\\\',
    'a:\\',
  ],
  ...[
    '-1',
    '.1a',
    'a-1',
    '1a2b-',
    'Aa',
    'AAa',
    'é',
    '😀',
    'www.',
    'x://',
    'a/b',
    '%a',
    '::%a',
    '\n"',
  ],
];

/** Single pieces and pairs of pieces, repeated, with an end that makes the match fail. */
const attacks = [
  ...PIECES,
  ...PIECES.flatMap((one, at) =>
    PIECES.filter((_, other) => (at + other) % 4 === 0).map((other) => one + other),
  ),
];

const fill = (piece: string, length: number) =>
  `${piece
    .repeat(Math.ceil(length / piece.length))
    .slice(0, length - 2)
    .toWellFormed()} é`;

function durationOf(work: (text: string) => unknown, text: string, length = 3): number {
  const runs = Array.from({ length }, () => {
    const start = performance.now();
    work(text);
    return performance.now() - start;
  });
  return Math.min(...runs);
}

/** The time of a text of eight times the length, relative to the text; the best of some runs each. */
function growth(work: (text: string) => unknown, piece: string, runs = 3): number {
  const long = durationOf(work, fill(piece, SMALL * TIMES), runs);
  return long / Math.max(FLOOR_MS, durationOf(work, fill(piece, SMALL), runs));
}

const split = (text: string) => [...splitMessage(text)].length;

describe('the time that a text takes', () => {
  test('is linear in the length of a message, whatever it contains', () => {
    // A busy machine interrupts most runs, but not every one of many.
    const isSlow = (piece: string) =>
      [2, 4, 8, 16, 32, 64].every((runs) => growth(split, piece, runs) > MOST);
    expect(attacks.filter(isSlow)).toEqual([]);
  }, 300_000);

  test('is bounded when it is checked as a name, a version or a key', () => {
    const looks = [
      isIdentifying,
      isName,
      isVersion,
      isEventName,
      safeKey,
      maxAnonymous,
      asCustomerKey,
      asToken,
    ];
    const starts = ['', 'rc', '1', 'v1', 'a', 'beta'];
    for (const piece of PIECES) {
      for (const start of starts) {
        const text = start + fill(piece, 98 - start.length);
        const longer = start + fill(piece, 510 - start.length);
        for (const look of looks) {
          const short = Math.max(FLOOR_MS, durationOf(look, text));
          expect({ piece, start, ratio: durationOf(look, longer) / short }).toEqual({
            ...{ piece, start },
            ratio: expect.toSatisfy((ratio: number) => ratio < MOST),
          });
        }
      }
    }
  });

  test('does not double with every number after the stage of a version', () => {
    const version = (numbers: number) => `rc${'-1'.repeat(numbers)}!`;
    const short = Math.max(FLOOR_MS, durationOf(isVersion, version(12)));
    expect(durationOf(isVersion, version(24)) / short).toBeLessThan(MOST);
  });
});
