import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { depthCheck, parseJson } from '../json.js';
import { readNative, readNativeLines } from './native.js';
import { codeOf, requestContext } from './testing.js';

const event = {
  id: 'b1ce6e37',
  installationId: '70b28f00-e38f-41b2-a723-aab344f535b9',
  product: 'dcos',
  event: 'health',
  occurredAt: '2026-11-21T05:26:30Z',
  version: '1.10.11',
  properties: { 'health-unit-a-total': 1 },
};

/** A GUID of version 8. */
const DERIVED = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('an event', () => {
  test('is read unchanged', () => {
    expect(readNative(event, requestContext())).toEqual([
      { accepted: { receivedAt: 1, ...event } },
    ]);
  });

  test('needs an installation, a product, an event and properties', () => {
    const { installationId, product, event: name, properties } = event;
    const least = { installationId, product, event: name, properties };
    const accepted = { receivedAt: 1, id: 'new-1', ...least };
    expect(readNative(least, requestContext())).toEqual([{ accepted }]);
    const nulls = { ...least, id: null, occurredAt: null, version: null };
    expect(readNative(nulls, requestContext())).toEqual([{ accepted }]);
  });

  test('without an id is identified by its content if it has a time', () => {
    const { id: _, ...rest } = event;
    expect(readNative(rest, requestContext())).toEqual([{ accepted: { receivedAt: 1, ...rest } }]);
  });

  test('has its installation id normalised', () => {
    const installationId = '{70B28F00-E38F-41B2-A723-AAB344F535B9}\n';
    const [outcome] = readNative({ ...event, installationId }, requestContext());
    expect(outcome).toMatchObject({ accepted: { installationId: event.installationId } });
  });

  test('whose installation id reveals the machine gets a derived installation id', () => {
    for (const installationId of [
      '70b28f00-e38f-11b2-a723-aab344f535b9',
      '70b28f00-e38f-21b2-a723-aab344f535b9',
      '70b28f00-e38f-61b2-a723-aab344f535b9',
    ]) {
      const [outcome] = readNative({ ...event, installationId }, requestContext());
      expect(outcome).toMatchObject({
        accepted: { installationId: expect.stringMatching(DERIVED) },
      });
      expect(JSON.stringify(outcome)).not.toMatch(/70b28f00|aab344f535b9/i);
    }
  });

  test('loses unknown fields', () => {
    const more = { ...event, sentAt: 'x', receivedAt: 7, email: 'alice@example.com', empty: true };
    expect(readNative(more, requestContext())).toEqual(readNative(event, requestContext()));
  });

  test('never has a user: only web UIs have users', () => {
    const person = { userId: 'alice', anonymousId: 'alice', userKey: '1', visitorKey: '2' };
    const outcomes = readNative({ ...event, ...person }, requestContext());
    expect(outcomes).toEqual(readNative(event, requestContext()));
  });

  test('is accepted with any properties, which the worker validates', () => {
    fc.assert(
      fc.property(fc.object(), (properties) => {
        const [outcome] = readNative({ ...event, properties }, requestContext());
        expect(outcome).toEqual({ accepted: { receivedAt: 1, ...event, properties } });
      }),
    );
  });

  test('may have its id and its time as numbers, and keeps them as text', () => {
    const numbers = { id: 12345, occurredAt: 1_795_238_790.5 };
    expect(readNative({ ...event, ...numbers }, requestContext())).toMatchObject([
      { accepted: { id: '12345', occurredAt: '1795238790.5' } },
    ]);
  });

  test.each([
    ['2026-11-21', '2026-11-21'],
    ['2026-11-21T05:26:30', '2026-11-21T05:26:30'],
    [7, '7'],
    [{}, 'no time'],
    [false, 'no time'],
  ])('is taken when its time is %j, which the worker records as a defect', (occurredAt, text) => {
    const [outcome] = readNative({ ...event, occurredAt }, requestContext());
    expect(outcome).toEqual({ accepted: { receivedAt: 1, ...event, occurredAt: text } });
  });

  test('without an id is also identified by an unreadable time of day', () => {
    const { id: _, ...rest } = event;
    const read = (occurredAt: string) => readNative({ ...rest, occurredAt }, requestContext())[0];
    expect(read('2026-11-21T05:26:30')).not.toHaveProperty('accepted.id');
    expect(read('2026-11-21')).toHaveProperty('accepted.id', 'new-1');
  });

  test.each([
    ['installationId', undefined, 'invalid_guid'],
    ['installationId', 'open /cluster-id: no such file or directory', 'invalid_guid'],
    ['installationId', 7, 'invalid_guid'],
    ['installationId', 'arn:aws:cloudformation:us-west-2:123456789012:stack/a', 'invalid_guid'],
    ['product', undefined, 'invalid_text'],
    ['product', '', 'invalid_text'],
    ['product', 'x'.repeat(65), 'invalid_text'],
    ['product', 'octopus', 'product_mismatch'],
    ['product', 'DCOS', 'product_mismatch'],
    ['event', null, 'invalid_text'],
    ['event', '', 'invalid_text'],
    ['event', 7, 'invalid_text'],
    ['event', 'x'.repeat(129), 'invalid_text'],
    ['id', '', 'invalid_text'],
    ['id', 2 ** 53, 'invalid_text'],
    ['id', {}, 'invalid_text'],
    ['id', 'x'.repeat(201), 'invalid_text'],
    ['version', 1.8, 'invalid_text'],
    ['version', 'x'.repeat(65), 'invalid_text'],
    ['properties', undefined, 'invalid_object'],
    ['properties', null, 'invalid_object'],
    ['properties', [], 'invalid_object'],
    ['properties', 'SECRET', 'invalid_object'],
  ])('is not taken when its %s is %j', (path, value, code) => {
    const [outcome] = readNative({ ...event, [path]: value }, requestContext());
    expect(outcome).toEqual({ rejected: { code, path, message: expect.stringMatching(/^.+\.$/) } });
    if (code !== 'product_mismatch') {
      expect(outcome).toMatchObject({ rejected: { message: expect.stringContaining(path) } });
    }
  });

  test('is not quoted in the message that rejects it', () => {
    for (const key of Object.keys(event)) {
      for (const value of ['SECRET'.repeat(100), { SECRET: 'SECRET' }, ['SECRET']]) {
        const [outcome] = readNative({ ...event, [key]: value }, requestContext());
        expect(JSON.stringify('rejected' in outcome! && outcome)).not.toContain('SECRET');
      }
    }
  });

  test.each([null, 7, 'x', true, [[]]])('is not %j', (body) => {
    const [outcome] = readNative([body], requestContext());
    expect(outcome).toMatchObject({ rejected: { code: 'not_an_object', path: '' } });
  });

  test('may be as large as the limit allows', () => {
    const large = { ...event, id: 'large' };
    const isTooLarge = (it: unknown) => it === large;
    const outcomes = readNative([event, large], requestContext({ isTooLarge }));
    expect(outcomes[0]).toHaveProperty('accepted');
    expect(outcomes[1]).toMatchObject({ rejected: { code: 'event_too_large', path: '' } });
    expect(outcomes[1]).toMatchObject({ trace: { id: 'large', isTooLarge: true, properties: {} } });
  });
});

describe('a request', () => {
  test('has an outcome for each of its events, in their order', () => {
    const body = [event, 7, { ...event, id: 'b' }, { ...event, event: '' }];
    expect(readNative(body, requestContext())).toMatchObject([
      { accepted: { id: 'b1ce6e37' } },
      { rejected: { code: 'not_an_object' } },
      { accepted: { id: 'b' } },
      { rejected: { code: 'invalid_text', path: 'event' } },
    ]);
    expect(readNative([], requestContext())).toEqual([]);
  });

  test('is limited to the number of events that a job should carry', () => {
    const two = requestContext({ maxEvents: 2 });
    expect(readNative([event, event], two)).toHaveLength(2);
    expect(codeOf(() => readNative([event, event, event], two))).toBe('too_many_events');
    const lines = (count: number) => Buffer.from(`${JSON.stringify(event)}\n`.repeat(count));
    expect(readNativeLines(lines(2), parse, two)).toHaveLength(2);
    expect(codeOf(() => readNativeLines(lines(3), parse, two))).toBe('too_many_events');
  });
});

describe('a request of lines', () => {
  test('is read like an array of the same events, with any line endings', () => {
    const lineEnds = fc.constantFrom('\n', '\r\n', '\n\n', '\n \t\r\n');
    const events = fc.array(fc.oneof(fc.constant(event), fc.jsonValue({ maxDepth: 3 })));
    fc.assert(
      fc.property(events, lineEnds, fc.boolean(), (body, lineEnd, isEnded) => {
        const lines = body.map((it) => JSON.stringify(it));
        const text = lines.join(lineEnd) + (isEnded ? lineEnd : '');
        const asArray = JSON.parse(`[${lines.join(',')}]`) as unknown;
        expect(readNativeLines(Buffer.from(text), parse, requestContext())).toEqual(
          readNative(asArray, requestContext()),
        );
      }),
    );
  });

  test('rejects only the line that is not JSON, with its number', () => {
    const text = `${JSON.stringify(event)}\n\n{"a": SECRET}\n${JSON.stringify(event)}`;
    const outcomes = readNativeLines(Buffer.from(text), parse, requestContext());
    expect(outcomes).toMatchObject([
      { accepted: { id: 'b1ce6e37' } },
      { rejected: { code: 'invalid_json', path: '', message: expect.stringContaining('Line 3 ') } },
      { accepted: { id: 'b1ce6e37' } },
    ]);
    expect(JSON.stringify(outcomes)).not.toContain('SECRET');
  });

  test('rejects only the lines that are nested too deep, complete or not', () => {
    const deep = {
      ...event,
      properties: JSON.parse(`${'['.repeat(20)}${']'.repeat(20)}`) as object,
    };
    const lines = [
      JSON.stringify(event),
      JSON.stringify(deep),
      '['.repeat(50),
      JSON.stringify(event),
    ];
    const bytes = Buffer.from(lines.join('\n'));
    const isTooDeep = depthCheck(bytes, 20);
    expect(readNativeLines(bytes, parse, requestContext({ isTooDeep }))).toMatchObject([
      { accepted: { id: 'b1ce6e37' } },
      { rejected: { code: 'too_deep' } },
      { rejected: { code: 'too_deep' } },
      { accepted: { id: 'b1ce6e37' } },
    ]);
  });

  test('has the same outcomes as each of its lines alone', () => {
    const lines = fc.array(
      fc.constantFrom(
        JSON.stringify(event),
        JSON.stringify({ ...event, installationId: 'alice' }),
        '{"a":NaN}',
        '{"a":',
        'no JSON',
        '['.repeat(50),
        '['.repeat(50) + ']'.repeat(50),
      ),
    );
    fc.assert(
      fc.property(lines, (texts) => {
        const together = Buffer.from(texts.join('\n'));
        const isTooDeep = depthCheck(together, 20);
        const alone = texts.flatMap((text) =>
          readNativeLines(Buffer.from(text), parse, requestContext({ isTooDeep })),
        );
        const withoutNumbers = (value: unknown) =>
          JSON.stringify(value).replaceAll(/Line \d+/g, '');
        const all = readNativeLines(together, parse, requestContext({ isTooDeep }));
        expect(withoutNumbers(all)).toBe(withoutNumbers(alone));
      }),
    );
  });

  test('may be empty', () => {
    for (const text of ['', '\n', ' \r\n\t\n']) {
      expect(readNativeLines(Buffer.from(text), parse, requestContext())).toEqual([]);
    }
  });
});

function parse(line: Buffer): unknown {
  return parseJson(line, 20);
}
