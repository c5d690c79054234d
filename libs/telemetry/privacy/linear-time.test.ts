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

/** Processor time of this process: a busy machine slows the clock on the wall, not this one. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

type Work = (text: string) => unknown;

function durationOf(work: Work, text: string, runs: number): number {
  const durations = Array.from({ length: runs }, () => {
    const start = processorMs();
    work(text);
    return processorMs() - start;
  });
  return Math.min(...durations);
}

/** Whether a text takes too long for its length, compared with a short one, in each of several measurements. */
function isSlow(work: Work, short: string, long: string): boolean {
  return [1, 4, 16].every((runs) => {
    const duration = durationOf(work, long, runs);
    if (duration <= MOST * FLOOR_MS) return false;
    return duration > MOST * Math.max(FLOOR_MS, durationOf(work, short, runs));
  });
}

const split = (text: string) => [...splitMessage(text)].length;
const LOOKS = [
  ...[isIdentifying, isName, isVersion, isEventName],
  ...[safeKey, maxAnonymous, asCustomerKey, asToken],
];
const STARTS = ['', 'rc', '1', 'v1', 'a', 'beta'];

describe('the time that a text takes', () => {
  test('is linear in the length of a message, whatever it contains', () => {
    const slow = attacks.filter((piece) =>
      isSlow(split, fill(piece, SMALL), fill(piece, SMALL * TIMES)),
    );
    expect(slow).toEqual([]);
  });

  test('is bounded when it is checked as a name, a version or a key', () => {
    const slow = PIECES.flatMap((piece) => STARTS.map((start) => ({ piece, start }))).filter(
      ({ piece, start }) => {
        const text = (length: number) => start + fill(piece, length - start.length);
        return LOOKS.some((look) => isSlow(look, text(98), text(510)));
      },
    );
    expect(slow).toEqual([]);
  });

  test('does not double with every number after the stage of a version', () => {
    const version = (numbers: number) => `rc${'-1'.repeat(numbers)}!`;
    expect(isSlow(isVersion, version(12), version(24))).toBe(false);
  });
});
