import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findAnyKey } from './preview/any-dialect.js';
import { checkValues, mentionsKey } from './scan-json.js';

/** 15 KB as gzip: 2.5 million lists. */
const LISTS = Buffer.from(`[${`${'['.repeat(19)}${']'.repeat(19)},`.repeat(131_072)}0]`);

/** Members, items, objects and lists, and the value itself. An empty object or list counts twice. */
function valuesOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  const inner: unknown[] = Object.values(value);
  if (inner.length === 0) return 2;
  return 1 + inner.reduce<number>((sum, it) => sum + valuesOf(it), 0);
}

describe('the number of values', () => {
  test('is found without parsing', () => {
    fc.assert(
      fc.property(fc.json(), fc.integer({ min: 0, max: 3 }), (text, indent) => {
        const value = JSON.parse(text) as unknown;
        const bytes = Buffer.from(JSON.stringify(value, null, indent));
        const values = valuesOf(value);
        expect(() => checkValues(bytes, values)).not.toThrow();
        if (values > 1) expect(() => checkValues(bytes, values - 1)).toThrow('values');
      }),
    );
  });

  test('is not counted in text', () => {
    const bytes = Buffer.from(JSON.stringify({ text: '[{,"\\"'.repeat(100) }));
    expect(() => checkValues(bytes, 3)).not.toThrow();
  });

  test('is found at a small part of the cost of parsing an honest body of the same size', () => {
    const event = { event: 'health', properties: { 'health-unit-a-total': 3, name: 'some text' } };
    const count = Math.floor(LISTS.length / JSON.stringify(event).length);
    const honest = Buffer.from(JSON.stringify(Array(count).fill(event)));
    const parsing = cpuMs(() => JSON.parse(honest.toString()) as unknown);
    const refusing = cpuMs(() => {
      expect(mentionsKey(LISTS, () => false)).toBe(false);
      expect(() => checkValues(LISTS, 400_000)).toThrow(
        'The JSON contains more than 400000 values',
      );
    });
    expect(refusing / parsing).toBeLessThan(1);
  });
});

describe('a write key', () => {
  const requests = 'test/fixtures/requests';
  const bodies = readdirSync(requests).filter((name) => name.endsWith('.http'));

  test.each(bodies)('is found in %s where its client puts it', (file) => {
    const raw = readFileSync(`${requests}/${file}`);
    const body = raw.subarray(raw.indexOf('\r\n\r\n') + 4);
    const bytes = body[0] === 0x1f ? gunzipSync(body) : body;
    const key = findAnyKey(JSON.parse(bytes.toString()));
    expect(mentionsKey(bytes, (it) => it === key)).toBe(key !== undefined);
    expect(mentionsKey(bytes, (it) => it === `${key}x`)).toBe(false);
  });

  test.each(['writeKey', 'api_key', 'token', '$token'])(
    'is found in %s, first or last, in whatever spacing',
    (name) => {
      const many = Array.from({ length: 2500 }, (_, at) => ({ [name]: `other${at}`, at }));
      for (const body of [
        { [name]: 'KEY', batch: many },
        { batch: many, [name]: 'KEY' },
        [{ properties: { [name]: 'KEY' } }],
      ]) {
        for (const indent of [0, 2, '\t']) {
          const bytes = Buffer.from(JSON.stringify(body, null, indent));
          expect(mentionsKey(bytes, (key) => key === 'KEY')).toBe(true);
        }
      }
    },
  );

  test('is looked up a bounded number of times, however often a body names one', () => {
    const asked: string[] = [];
    const bytes = Buffer.from('{"token":"a","api_key":"b"}'.repeat(10_000));
    mentionsKey(bytes, (key) => asked.push(key) < 0);
    expect(asked).toHaveLength(4 * 16);
  });
});

/** The least CPU time of a few runs, in milliseconds: what else the machine does only adds to it. */
function cpuMs(work: () => unknown): number {
  const runs = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...runs);
}
