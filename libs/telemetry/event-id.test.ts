import { describe, expect, test } from 'vitest';
import { idText, substituteId } from './event-id.js';

const CONTENT = { event: 'health', properties: { a: 1, b: 2 } };
/** What JSON.parse makes of 9007199254740993. */
const ROUNDED = 2 ** 53;

const substitute = (raw: unknown, time?: string, content: object = {}) =>
  substituteId(raw, time, { ...CONTENT, ...content }, { newId: () => 'new' });

test.each([
  ['a', 'a'],
  ['7', '7'],
  [7, '7'],
  [Number.MAX_SAFE_INTEGER, `${Number.MAX_SAFE_INTEGER}`],
  ['', undefined],
  [null, undefined],
  [{}, undefined],
  [ROUNDED, undefined],
])('the id that a client wrote as %j is %j', (raw, id) => {
  expect(idText(raw)).toBe(id);
});

describe('an event without a usable id', () => {
  test.each([
    '2026-11-21T05:26:30Z',
    '1795238790',
    '2026-11-21T05:26:30',
    '2026-11-21 05:26',
    'Sat, 21 Nov 2026 05:26:30 GMT',
    '11/21/2026 12:00:00 AM',
  ])('is identified by its content and the time %s', (time) => {
    expect(substitute(undefined, time)).toBeUndefined();
    expect(substitute(ROUNDED, time)).toBeUndefined();
  });

  test.each([
    ...[undefined, '0', '7', 'no time', 'Invalid date', 'yesterday', '2026-11-21'],
    ...['0000-00-00 00:00:00', '0001-01-01T00:00:00'],
  ])('is a new one each time if its time is %s, because every event may have it', (time) => {
    expect(substitute(undefined, time)).toBe('new');
    expect(substitute({}, time)).toBe('new');
  });

  test('is recognised by its rounded number and its content if it is resent', () => {
    const id = substitute(ROUNDED);
    expect(id).not.toBe('new');
    expect(substitute(ROUNDED, undefined, { properties: { b: 2, a: 1 } })).toBe(id);
    expect(substitute(ROUNDED, 'yesterday')).toBe(id);
    const others = [
      substitute(2 ** 54),
      substitute(ROUNDED, undefined, { event: 'page' }),
      substitute(ROUNDED, undefined, { properties: { a: 1, b: 3 } }),
    ];
    expect(new Set([id, ...others]).size).toBe(4);
  });
});
