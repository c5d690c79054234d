import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isIdentifying } from './identifying.js';
import { isEventName, safeKey } from './keys.js';

describe('the name of a property', () => {
  test.each([
    ...['clusterId', 'cpu_total', 'health-unit-dcos-signal-timer-total', '$lib', 'op_=~', 'a'],
    ...[
      'node_count_*.total',
      'x.y.z',
      '0',
      'mem+swap',
      '__proto__',
      'constructor',
      'hasOwnProperty',
    ],
    ...['used_1234', 'x'.repeat(100)],
  ])('%s stays as developers chose it', (key) => {
    expect(safeKey(key)).toBe(key);
  });

  test.each([
    ['node_count_123456789012.aws_ec2_instance', 'node_count_*.aws_ec2_instance'],
    ['account_12345', 'account_*'],
    ['15551234567', '*'],
    ['x12345y67890z', '*'],
    ['70b28f00-e38f-41b2-a723-aab344f535b9', '*'],
    ['x_70B28F00-E38F-41B2-A723-AAB344F535B9.total', 'x_*.total'],
    ['run-4f53cda18c2b', 'run-*'],
    ['run.9F86D081884C7D65', 'run.*'],
  ])('%s loses what is a number or a token: %s', (key, safe) => {
    expect(safeKey(key)).toBe(safe);
  });

  test.each([
    ...[
      '',
      'calls.alice.example.com.count',
      'alice@example.com',
      'node-7.corp.example.com',
      '10.0.0.5',
      '/home/alice',
      'C:\\alice',
    ],
    ...[
      'https://alice',
      'fe80::1',
      '00:1b:63:84:45:e6',
      'of alice',
      'プロド',
      'a\n',
      'a\u0000',
      '-a',
    ],
    ...['[alice]', '"alice"', 'alice@12345', '1-555-123-4567', '\ud83d', 'x'.repeat(101)],
  ])('is no name where it is %j, and becomes its length', (key) => {
    expect(safeKey(key)).toBe(`[${key.length}]`);
  });

  test('is never identifying, and is short', () => {
    const parts = fc.constantFrom(
      ...['a', '_', '.', '-', ':', '/', '@', ' ', '1', '12345', '10.0.0.5', 'example.com', 'é'],
      ...['70b28f00-e38f-41b2-a723-aab344f535b9', '4f53cda18c2b', '\ud83d', '*', '[', '$'],
    );
    const keys = fc.oneof(
      fc.array(parts).map((it) => it.join('')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(keys, (key) => {
        const safe = safeKey(key);
        expect(safe.length).toBeLessThanOrEqual(100);
        expect(safe).toMatch(/^[\w.$=<>!~+*-]*$|^\[\d+\]$/);
        expect(isIdentifying(safe)).toBe(false);
        expect(safe).not.toMatch(/\d{5}/);
      }),
      { numRuns: 500 },
    );
  });

  test('is read in linear time, however long it is', () => {
    for (const key of ['a'.repeat(150_000), '1'.repeat(150_000), 'a1'.repeat(75_000)]) {
      expect(safeKey(key)).toBe('[99999]');
    }
  });
});

describe('an undeclared event', () => {
  test.each([
    ...[
      'health',
      'system.started',
      'worker-queue.info',
      'usage_metrics',
      '$identify',
      'user:created',
    ],
    ...['a1', 'step2.started', 'http2', 'releases_90_days', 'kafka.broker-lost', '$pageview'],
    ...['screen', 'graph.merged'],
  ])('may be called %s', (name) => {
    expect(isEventName(name)).toBe(true);
  });

  test.each([
    ...[
      '',
      '$',
      'Health',
      'health ',
      'of alice',
      'a..b',
      '.a',
      'a.',
      '1a',
      '__proto__',
      'toString',
    ],
    ...['alice@corp', 'alice.example.com', 'node.corp', '10.0.0.5', 'a.123456', 'a/b', 'プロド'],
    ...['[17]', 'a\n', 'x'.repeat(65), 'run.4f53cda18c2b', 'started.12345', 'error-'.repeat(12)],
  ])('may not be called %j', (name) => {
    expect(isEventName(name)).toBe(false);
  });

  test.each([
    ...[
      'alice',
      'alice.smith',
      'erika-mustermann',
      'john_doe',
      'alice:smith',
      'j.smith',
      'asmith2',
    ],
    ...['user.alice', 'acme.started', 'login_erika', '$alice', 'smith.created', 'acme.shop'],
  ])('may not be called %s, because not every word is known', (name) => {
    expect(isEventName(name)).toBe(false);
  });

  test('may consist of words of its product', () => {
    const declared = new Set(['acme', 'sprocket']);
    expect(isEventName('acme.sprocket-started', declared)).toBe(true);
    expect(isEventName('acme.sprocket-started')).toBe(false);
    expect(isEventName('acme.alice', declared)).toBe(false);
  });

  test('may not consist of common names of persons', () => {
    const names = `james mary robert patricia john jennifer michael linda david elizabeth william barbara richard susan
      joseph jessica thomas sarah christopher karen charles lisa daniel nancy matthew sandra anthony ashley donald emily
      anna peter klaus erika hans maria ahmed fatima wei li chen wang kumar singh garcia martinez lopez nguyen smith jones
      williams davis miller wilson moore taylor anderson jackson harris martin thompson robinson clark lewis walker hall
      allen young king wright scott adams baker nelson mueller schmidt schneider fischer weber meyer wagner becker`;
    const known = names
      .trim()
      .split(/\s+/)
      .filter((name) => isEventName(name));
    expect(known).toEqual([]);
  });

  test('is kept under its unchanged name', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\$?[a-z][a-z0-9._:-]{0,30}$/), (name) => {
        if (isEventName(name)) expect(isIdentifying(name)).toBe(false);
        expect(isEventName(`${name} `)).toBe(false);
      }),
    );
  });
});
