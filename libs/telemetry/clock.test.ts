import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalTime, observeTime, parseTimestamp, safeTime, timeText } from './clock.js';

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
    ['2026-11-21T05:26Z', '2026-11-21T05:26:00.000Z'],
    ['2026-11-21T05:26+00:00', '2026-11-21T05:26:00.000Z'],
    ['2026-11-21 05:26:30+00', '2026-11-21T05:26:30.000Z'],
    ['2026-11-21T02:26:30-03', '2026-11-21T05:26:30.000Z'],
    ['2026-11-21 05:26:30 +0000', '2026-11-21T05:26:30.000Z'],
    ['2026-11-21 05:26:30 UTC', '2026-11-21T05:26:30.000Z'],
    ['2026-11-21T05:26:30,123Z', '2026-11-21T05:26:30.123Z'],
    ['2026-11-21T05:26:30+00:00[UTC]', '2026-11-21T05:26:30.000Z'],
    ['2026-11-21T05:26:30[UTC]', '2026-11-21T05:26:30.000Z'],
    ['2026-11-21T06:26:30.5+01:00[Europe/Berlin]', '2026-11-21T05:26:30.500Z'],
    ['20261121T052630Z', '2026-11-21T05:26:30.000Z'],
    ['20261121T062630.5+0100', '2026-11-21T05:26:30.500Z'],
    ['2026-11-21 05:26:30 +0000 UTC', '2026-11-21T05:26:30.000Z'],
    ['2026-11-21 06:26:30.123456789 +0100 CET m=+0.000012', '2026-11-21T05:26:30.123Z'],
    ['2026-11-21 08:26:30.5 +0300 +03', '2026-11-21T05:26:30.500Z'],
    ['1795238790', '2026-11-21T05:26:30.000Z'],
    ['1795238790.125', '2026-11-21T05:26:30.125Z'],
    ['1795238790123', '2026-11-21T05:26:30.123Z'],
    ['1795238790123456', '2026-11-21T05:26:30.123Z'],
    ['1795238790123456789', '2026-11-21T05:26:30.123Z'],
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
    '2026-11-21T05:26:30',
    '2026-11-21T05:26',
    '2026-11-21T05:26:30[Europe/Berlin]',
    '2026-11-21T05:26:30+00:00[alice@example.com]',
    '2026-11-21  T05:26:30Z',
    '2026-11-21T05:26:30.Z',
    '2026-11-21',
    '+002026-11-21T05:26:30Z',
    'Sat, 21 Nov 2026 05:26:30 GMT',
    '20261121052630',
    '999999999',
    '577388939599',
    '4100000000',
    '-1795238790',
    '17952387901234567890',
    'at 2026-11-21T05:26:30Z',
    '2026-11-21T05:26:30Z.',
    '',
    0,
    7,
    -1_795_238_790,
    20_261_121_052_630,
    NaN,
    1e300,
    new Date(0),
    null,
    undefined,
  ])('%j is none', (raw) => {
    expect(parseTimestamp(raw)).toBeNull();
  });
});

describe('a number', () => {
  test('is a time in seconds, milliseconds, microseconds and nanoseconds, as it is and as text', () => {
    const seconds = fc.integer({ min: 1_000_000_000, max: 4_099_999_999 });
    fc.assert(
      fc.property(seconds, fc.nat(999), (second, millisecond) => {
        const time = second * 1000 + millisecond;
        const fraction = `${millisecond}`.padStart(3, '0');
        const texts = [`${second}.${fraction}`, `${time}`, `${time}000`, `${time}000000`];
        for (const text of texts) expect(parseTimestamp(text)).toBe(time);
        for (const number of [Number(texts[0]), time, time * 1000]) {
          expect(parseTimestamp(number)).toBe(time);
          expect(canonicalTime(number)).toBe(canonicalTime(new Date(time).toISOString()));
        }
      }),
    );
  });
});

describe('the canonical text of a time', () => {
  test('is one for every form', () => {
    fc.assert(
      fc.property(moments, forms, (moment, { offset, separator }) => {
        const local = new Date(moment + offset * MINUTE_MS).toISOString();
        const [hours, minutes] = [Math.trunc(Math.abs(offset) / 60), Math.abs(offset) % 60];
        const zone = [hours, minutes].map((it) => `${it}`.padStart(2, '0'));
        const sign = offset < 0 ? '-' : '+';
        const canonical = canonicalTime(new Date(moment).toISOString());
        for (const colon of ['', ':']) {
          for (const point of ['.', ',']) {
            const time = local.slice(11, 23).replace('.', point);
            const text = `${local.slice(0, 10)}${separator}${time}000${sign}${zone.join(colon)}`;
            expect(canonicalTime(text)).toBe(canonical);
            expect(canonicalTime(` ${text}[Etc/Zone]\n`)).toBe(canonical);
          }
        }
        expect(canonicalTime(canonical)).toBe(canonical);
        expect(parseTimestamp(canonical)).toBe(moment);
      }),
    );
  });

  test.each([
    '2026-11-21T00:00:00Z',
    '2026-11-21T05:36:16.599Z',
    '2026-11-21T05:34:13.210701+00:00',
    '2026-11-21T05:34:13.123456789Z',
    '2026-11-21T05:34:13.1234567Z',
  ])('is %s itself: events are known by it', (text) => {
    expect(canonicalTime(text)).toBe(text);
  });

  test.each(['yesterday', '2026-11-21', '', 7, null, undefined])('is none for %j', (raw) => {
    expect(canonicalTime(raw)).toBeNull();
  });
});

test('a time that is kept has nothing in it that may be anything', () => {
  const kept = '2026-11-21T06:26:30.123456789+01:00';
  expect(safeTime(' 2026-11-21T06:26:30.12345678915551234567+01:00[Mr/Smith]')).toBe(kept);
  expect(safeTime('2026-11-21T05:26:30[UTC]')).toBe('2026-11-21T05:26:30[UTC]');
  const go = '2026-11-21 06:26:30.5 +0100';
  expect(safeTime(`${go} SMITH m=+15551234567`)).toBe(go);
  const digits = '1795238790.12345678915551234567';
  expect(safeTime(digits)).toBe('2026-11-21T05:26:30.123456789Z');
});

test('a time is text on its way, and what is neither text nor a number is no time', () => {
  expect([7, 'x', null, undefined, ''].map(timeText)).toEqual([
    '7',
    'x',
    undefined,
    undefined,
    undefined,
  ]);
  for (const odd of [{}, [], true]) expect(parseTimestamp(timeText(odd))).toBeNull();
});

describe('the time of an event', () => {
  const receivedAt = Date.parse('2026-11-21T06:00:00Z');
  const retentionMs = 90 * DAY_MS;
  const now = { receivedAt, retentionMs };

  test('is taken from the agent’s clock if that is less than a minute off', () => {
    const occurredAt = receivedAt - 2 * HOUR_MS;
    const seen = { observedAt: occurredAt, clock: 'agent' };
    for (const sentAt of [null, receivedAt, receivedAt - 59_999, receivedAt + 59_999]) {
      expect(observeTime({ ...now, occurredAt, sentAt })).toEqual(seen);
    }
  });

  test('is corrected if the clock is a minute or more off', () => {
    const skews = fc.integer({ min: MINUTE_MS, max: 40 * 365 * DAY_MS });
    const ages = fc.integer({ min: 0, max: retentionMs });
    fc.assert(
      fc.property(skews, fc.constantFrom(1, -1), ages, (skew, direction, age) => {
        const wrong = (time: number) => time + direction * skew;
        const occurredAt = receivedAt - age;
        const times = { occurredAt: wrong(occurredAt), sentAt: wrong(receivedAt) };
        expect(observeTime({ ...now, ...times })).toEqual({
          observedAt: occurredAt,
          clock: 'corrected',
        });
      }),
    );
  });

  test('is trusted up to a day ahead, and back to the retention', () => {
    for (const occurredAt of [receivedAt + DAY_MS, receivedAt - retentionMs]) {
      const seen = observeTime({ ...now, occurredAt, sentAt: null });
      expect(seen).toEqual({ observedAt: occurredAt, clock: 'agent' });
    }
    for (const occurredAt of [receivedAt + DAY_MS + 1, receivedAt - retentionMs - 1]) {
      const seen = observeTime({ ...now, occurredAt, sentAt: null });
      expect(seen).toEqual({ observedAt: receivedAt, clock: 'received' });
    }
  });

  test('is the receive time if the event has none', () => {
    const seen = observeTime({ ...now, occurredAt: null, sentAt: receivedAt - DAY_MS });
    expect(seen).toEqual({ observedAt: receivedAt, clock: 'received' });
  });

  test('is never outside of the trusted range, for any clocks', () => {
    const clocks = fc.option(moments);
    fc.assert(
      fc.property(clocks, clocks, (occurredAt, sentAt) => {
        const { observedAt } = observeTime({ ...now, occurredAt, sentAt });
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
