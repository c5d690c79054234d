import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { containsText, isRedacted, redact as redactBy, type TextRule } from './redact.js';

const nothing = () => null;
const everything = (_: string, text: string) => text;

function redact(properties: object, keepText: TextRule, known: string[] = []) {
  return redactBy(properties as Record<string, unknown>, {
    keepText,
    knows: (key) => known.includes(key),
  });
}

describe('redacted properties', () => {
  test('have the length of each text in its place, and are otherwise unchanged', () => {
    const properties = {
      name: 'Alice',
      empty: '',
      emoji: '😀',
      nested: { list: ['a', 7, null, true, { deep: 'abc', count: 0 }], none: {} },
      total: 1.5,
      negative: -1,
      isLeader: false,
      absent: null,
    };
    expect(redact(properties, nothing)).toEqual({
      name: { $length: 5 },
      empty: { $length: 0 },
      emoji: { $length: 2 },
      nested: {
        list: [{ $length: 1 }, 7, null, true, { deep: { $length: 3 }, count: 0 }],
        none: {},
      },
      total: 1.5,
      negative: -1,
      isLeader: false,
      absent: null,
    });
    expect(redact(properties, everything)).toEqual(properties);
  });

  test('keep text that the rule allows at its path', () => {
    const asked: [path: string, text: string][] = [];
    const properties = {
      version: '1.10.11',
      package_list: [{ name: 'kafka', appId: '/alice' }, 'x'],
      a: { version: '1', 'b.c': [['deep']] },
    };
    const redacted = redact(properties, (path, text) => {
      asked.push([path, text]);
      return ['version', 'package_list[].name'].includes(path) ? text : null;
    });
    expect(redacted).toEqual({
      version: '1.10.11',
      package_list: [{ name: 'kafka', appId: { $length: 6 } }, { $length: 1 }],
      a: { version: { $length: 1 }, 'b.c': [[{ $length: 4 }]] },
    });
    expect(asked).toEqual([
      ['version', '1.10.11'],
      ['package_list[].name', 'kafka'],
      ['package_list[].appId', '/alice'],
      ['package_list[]', 'x'],
      ['a.version', '1'],
      ['a.b.c[][]', 'deep'],
    ]);
  });

  test('have names that are not identifying, and a value under each', () => {
    const properties = {
      'alice@example.com': 1,
      'carol@example.com': 2,
      nodes_123456789012: { count: 3 },
      nodes_210987654321: { count: 4 },
      nodes_111111111111: { count: 5 },
    };
    expect(redact(properties, nothing)).toEqual({
      '[17]': 1,
      '[17]~2': 2,
      'nodes_*': { count: 3 },
      'nodes_*~2': { count: 4 },
      'nodes_*~3': { count: 5 },
    });
  });

  test('keep every value, even if several names become equal', () => {
    const count = 12_000;
    const sent = Array.from({ length: count }, (_, at) => [`of alice ${at}`, at] as const);
    const taken = { '[10]~3': -1, '[11]~2': -2 };
    const redacted = redact({ ...taken, ...Object.fromEntries(sent) }, nothing);
    expect(Object.values(redacted)).toEqual([-1, -2, ...sent.map(([, at]) => at)]);
  });

  test('have no number that may be identifying', () => {
    const properties = { account_id: 123456789012, phone: [15551234567], id: { count: 7 } };
    expect(redact(properties, everything)).toEqual({
      account_id: { $length: 12 },
      phone: [{ $length: 11 }],
      id: { count: { $length: 1 } },
    });
  });

  test('keep the names and numbers of properties that are read, whatever they look like', () => {
    const properties = { 'app-12345': 1, phone: 2, nested: { phone: 3 } };
    expect(redact(properties, nothing, ['app-12345', 'phone', 'nested'])).toEqual({
      'app-12345': 1,
      phone: 2,
      nested: { phone: { $length: 1 } },
    });
  });

  test('have no long numbers in lists of identifying values, but keep counts', () => {
    const properties = { accounts: [123456789012, 7], aws_accounts: 3, phones: { n: 15551234567 } };
    expect(redact(properties, everything)).toEqual({
      accounts: [{ $length: 12 }, 7],
      aws_accounts: 3,
      phones: { n: { $length: 11 } },
    });
  });

  test('inherit nothing and lose nothing, whatever they are called', () => {
    const properties = JSON.parse('{"__proto__":{"a":"x"},"constructor":"y","length":1}') as object;
    const redacted = redact({ ...properties }, nothing);
    expect(JSON.stringify(redacted)).toBe(
      '{"__proto__":{"a":{"$length":1}},"constructor":{"$length":1},"length":1}',
    );
  });

  test('contain every number, and no text that the rule rejects', () => {
    fc.assert(
      fc.property(fc.dictionary(keys, values, { maxKeys: 5 }), (properties) => {
        const before = structuredClone(properties);
        const redacted = redact(properties, (_, text) => (text.includes('SECRET') ? null : text));
        expect(JSON.stringify(redacted)).not.toContain('SECRET');
        expect(figuresIn(redacted)).toEqual(figuresIn(properties));
        expect(textsIn(redacted)).toEqual(
          textsIn(properties).filter((text) => !text.includes('SECRET')),
        );
        expect(properties).toEqual(before);
      }),
      { numRuns: 300 },
    );
  });

  test('do not change when they are redacted again', () => {
    const objects = fc.dictionary(fc.constantFrom('count', 'name', 'of SECRET'), texts);
    fc.assert(
      fc.property(fc.array(objects), (list) => {
        const properties = { list };
        const once = redact(properties, nothing);
        expect(redact(once, nothing)).toEqual(once);
      }),
    );
  });
});

describe('a text that is not kept', () => {
  test('is replaced by its length', () => {
    expect(isRedacted({ $length: 0 })).toBe(true);
    for (const value of [{}, { $length: '5' }, { $length: 5, a: 1 }, [5], 'text', 5, null]) {
      expect(isRedacted(value)).toBe(false);
    }
  });

  test('is recognised when it is redacted again, however long it was', () => {
    for (const length of [99_999, 100_000, 1_010_000, 2 ** 21]) {
      const once = redact({ dump: 'x'.repeat(length) }, nothing);
      expect(once).toEqual({ dump: { $length: 99_999 } });
      expect(isRedacted(once.dump)).toBe(true);
      expect(redact(once, nothing)).toEqual(once);
    }
    // As earlier releases stored it.
    expect(isRedacted({ $length: 1_010_000 })).toBe(true);
  });

  test('does not hide a number that a client sent as a length', () => {
    for (const [sent, length] of [
      [15551234567, 99_999],
      [123456, 99_999],
      [37.7749, 37],
    ] as const) {
      const properties = { phone: { $length: sent }, note: { $length: sent } };
      const kept = { phone: { $length: length }, note: { $length: length } };
      expect(redact(properties, everything)).toEqual(kept);
    }
    expect(isRedacted({ $length: -1 })).toBe(false);
  });

  test('still counts as text, wherever it is', () => {
    for (const value of ['x', { $length: 1 }, ['', ['x']], { a: { b: 'x' } }, [{ $length: 2 }]]) {
      expect(containsText(value)).toBe(true);
    }
    for (const value of ['', 7, true, null, undefined, [], {}, [''], { a: 1 }, { $length: 0 }]) {
      expect(containsText(value)).toBe(false);
    }
  });

  test('is still detected as text after redaction', () => {
    fc.assert(
      fc.property(fc.dictionary(names, values), (properties) => {
        expect(containsText(redact(properties, nothing))).toBe(containsText(properties));
      }),
    );
  });
});

/** The numbers in a value, in the order in which they stand there, without lengths of texts. */
function figuresIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  if (typeof value !== 'object' || value === null || isRedacted(value)) return [];
  return Object.values(value).flatMap(figuresIn);
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

const names = fc.constantFrom('count', 'total', 'name', 'list', 'a', 'b', '__proto__');

const keys = fc.oneof(
  names,
  fc.constantFrom(
    'of SECRET',
    'SECRET@corp',
    'SECRET.example.com',
    '/SECRET',
    'n_123456',
    'n_654321',
  ),
);

const texts = fc.constantFrom('', 'x', 'SECRET', 'of SECRET', '😀SECRET', 'open');

const { values } = fc.letrec((tie) => ({
  values: fc.oneof(
    { depthSize: 'small' },
    texts,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(null, true, false),
    fc.array(tie('values'), { maxLength: 4 }),
    fc.dictionary(keys, tie('values'), { maxKeys: 4 }),
  ),
})) as { values: fc.Arbitrary<unknown> };
