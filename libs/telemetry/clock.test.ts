import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { observe, parseTimestamp } from './clock.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

describe('a timestamp', () => {
  test('means the same moment in every form and offset', () => {
    fc.assert(
      fc.property(moments, forms, (moment, { offset, hasColon, separator, hasMilliseconds }) => {
        const time = hasMilliseconds ? moment : Math.floor(moment / 1000) * 1000;
        const local = new Date(time + offset * MINUTE_MS).toISOString();
        const [day, clock] = [local.slice(0, 10), local.slice(11, hasMilliseconds ? 23 : 19)];
        const hours = `${Math.trunc(Math.abs(offset) / 60)}`.padStart(2, '0');
        const minutes = `${Math.abs(offset) % 60}`.padStart(2, '0');
        const written = `${offset < 0 ? '-' : '+'}${hours}${hasColon ? ':' : ''}${minutes}`;
        expect(parseTimestamp(`${day}${separator}${clock}${written}`)).toBe(time);
        if (offset === 0) expect(parseTimestamp(`${day}${separator}${clock}Z`)).toBe(time);
      }),
    );
  });

  test.each([
    ['2026-11-21T05:26:30+0000', '2026-11-21T05:26:30.000Z'],
    ['2026-11-21T10:56:30+0530', '2026-11-21T05:26:30.000Z'],
    ['2026-11-20T21:26:30-08:00', '2026-11-21T05:26:30.000Z'],
    ['2026-11-21T05:36:16.599Z', '2026-11-21T05:36:16.599Z'],
    ['2026-11-21T05:34:13.210701+00:00', '2026-11-21T05:34:13.210Z'],
    ['2026-11-21T05:34:13.999999999Z', '2026-11-21T05:34:13.999Z'],
    ['2026-11-21T05:34:13.5Z', '2026-11-21T05:34:13.500Z'],
    ['2026-11-21t05:34:13z', '2026-11-21T05:34:13.000Z'],
    ['2026-11-21T05:26:30+0000\n', '2026-11-21T05:26:30.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['0099-01-01T00:00:00Z', '0099-01-01T00:00:00.000Z'],
  ])('%j is %s', (text, moment) => {
    expect(parseTimestamp(text)).toBe(Date.parse(moment));
  });

  test.each([
    '2026-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-11-21T24:00:00Z',
    '2026-11-21T23:60:00Z',
    '2026-11-21T23:59:61Z',
    '2026-11-21T05:26:30+24:00',
    '2026-11-21T05:26:30+05:60',
    '2026-11-21T05:26:30+05',
    '2026-11-21T05:26:30',
    '2026-11-21T05:26Z',
    '2026-11-21T05:26:30.Z',
    '2026-11-21',
    '20261121T052630Z',
    '+002026-11-21T05:26:30Z',
    'Sat, 21 Nov 2026 05:26:30 GMT',
    '1795238790',
    'at 2026-11-21T05:26:30Z',
    '2026-11-21T05:26:30Z.',
    '',
    1_795_238_790_000,
    new Date(0),
    null,
    undefined,
  ])('%j is none', (raw) => {
    expect(parseTimestamp(raw)).toBeNull();
  });
});

describe('the time of an event', () => {
  const receivedAt = Date.parse('2026-11-21T06:00:00Z');
  const retentionMs = 90 * DAY_MS;
  const now = { receivedAt, retentionMs };

  test('is what its own clock says while that is less than a minute off', () => {
    const occurredAt = receivedAt - 2 * HOUR_MS;
    const seen = { observedAt: occurredAt, clock: 'agent' };
    for (const sentAt of [null, receivedAt, receivedAt - 59_999, receivedAt + 59_999]) {
      expect(observe({ ...now, occurredAt, sentAt })).toEqual(seen);
    }
  });

  test('is found behind any clock that is a minute or more off', () => {
    const skews = fc.integer({ min: MINUTE_MS, max: 40 * 365 * DAY_MS });
    const ages = fc.integer({ min: 0, max: retentionMs });
    fc.assert(
      fc.property(skews, fc.constantFrom(1, -1), ages, (skew, direction, age) => {
        const wrong = (time: number) => time + direction * skew;
        const occurredAt = receivedAt - age;
        const times = { occurredAt: wrong(occurredAt), sentAt: wrong(receivedAt) };
        expect(observe({ ...now, ...times })).toEqual({
          observedAt: occurredAt,
          clock: 'corrected',
        });
      }),
    );
  });

  test('is believed up to a day ahead, and back to the retention', () => {
    for (const occurredAt of [receivedAt + DAY_MS, receivedAt - retentionMs]) {
      const seen = observe({ ...now, occurredAt, sentAt: null });
      expect(seen).toEqual({ observedAt: occurredAt, clock: 'agent' });
    }
    for (const occurredAt of [receivedAt + DAY_MS + 1, receivedAt - retentionMs - 1]) {
      const seen = observe({ ...now, occurredAt, sentAt: null });
      expect(seen).toEqual({ observedAt: receivedAt, clock: 'received' });
    }
  });

  test('is when it was received where it gives none', () => {
    const seen = observe({ ...now, occurredAt: null, sentAt: receivedAt - DAY_MS });
    expect(seen).toEqual({ observedAt: receivedAt, clock: 'received' });
  });

  test('is never outside of what is believed, whatever the clocks say', () => {
    const clocks = fc.option(moments);
    fc.assert(
      fc.property(clocks, clocks, (occurredAt, sentAt) => {
        const { observedAt } = observe({ ...now, occurredAt, sentAt });
        expect(observedAt).toBeGreaterThanOrEqual(receivedAt - retentionMs);
        expect(observedAt).toBeLessThanOrEqual(receivedAt + DAY_MS);
      }),
    );
  });
});

/** Years of four digits, in any offset. */
const moments = fc.integer({
  min: Date.parse('0000-01-02T00:00:00Z'),
  max: Date.parse('9999-12-30T23:59:59.999Z'),
});

const forms = fc.record({
  offset: fc.oneof(fc.constant(0), fc.integer({ min: -1439, max: 1439 })),
  hasColon: fc.boolean(),
  separator: fc.constantFrom('T', 't', ' '),
  hasMilliseconds: fc.boolean(),
});
