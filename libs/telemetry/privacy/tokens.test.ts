import { describe, expect, test } from 'vitest';
import { asCustomerKey, asSha1, asToken, asVersion } from './tokens.js';

const SHA1 = 'da39a3ee5e6b4b0d3255bfef95601890afd80709';

const noText = [undefined, null, 7, 1.8, true, {}, ['open'], { $length: 4 }];
const noToken = ['', ' ', 'two words', '<b>', 'a/b', 'プロド', '-a', 'a\u0000', 'x'.repeat(129)];
const addresses = [
  'alice@example.com',
  'node.corp',
  '10.0.0.5',
  '/home/alice',
  '00-1b-63-84-45-e6',
];

describe('a short word', () => {
  test.each([...noText, ...noToken, ...addresses, '15551234567', SHA1])('is not %j', (raw) => {
    expect(asToken(raw)).toBeNull();
  });

  test.each(['open', 'on-prem', 'TypeError', 'Linux', 'resotocore', 'a_b.c+d~e', 'x'.repeat(128)])(
    'may be %s, and has no blanks around it',
    (text) => {
      expect(asToken(text)).toBe(text);
      expect(asToken(` ${text}\r\n`)).toBe(text);
    },
  );
});

describe('a key that a vendor gave', () => {
  test.each([...noText, ...noToken, ...addresses])('is not %j', (raw) => {
    expect(asCustomerKey(raw)).toBeNull();
  });

  test.each([
    '15551234567',
    '70b28f00-e38f-41b2-a723-aab344f535b9',
    SHA1,
    'ab1c-7g8h',
    'mesosphere',
  ])('may be %s', (text) => {
    expect(asCustomerKey(`${text}\n`)).toBe(text);
  });
});

describe('a version', () => {
  test.each([...noText, ...noToken, 'alice', '10.0.0.5', 'alice@1.0', '1.0 of alice'])(
    'is not %j',
    (raw) => {
      expect(asVersion(raw)).toBeNull();
    },
  );

  test('has no blanks around it', () => {
    expect(asVersion(' 1.7-open\n')).toBe('1.7-open');
  });
});

describe('a SHA-1 digest', () => {
  test.each([...noText, '', 'open', SHA1.slice(1), `${SHA1}0`, SHA1.replace('d', 'g'), `${SHA1}-`])(
    'is not %j',
    (raw) => {
      expect(asSha1(raw)).toBeNull();
    },
  );

  test('has one form, however it is written', () => {
    for (const written of [SHA1, SHA1.toUpperCase(), ` ${SHA1}\n`]) {
      expect(asSha1(written)).toBe(SHA1);
    }
  });
});
