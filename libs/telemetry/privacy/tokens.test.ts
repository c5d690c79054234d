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

describe('a key assigned by a vendor', () => {
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

describe('a secret or a person’s number', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64').replaceAll('=', '');

  test.each([
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U',
    ...['AKIAIOSFODNN7EXAMPLE', 'ASIAIOSFODNN7EXAMPLE', 'ghp_16C7e42F292c6912E7710c838347Ae178B4a'],
    ...[
      'github_pat_11ABCDEFG0abcdefghij',
      'glpat-abcdefghijklmnopqrst',
      'npm_abcdefghijklmnopqrst',
    ],
    ...['xoxb-123456789012-123456789012-abc', 'AIzaSyA1234567890abcdefghijklmnopqrstuv'],
    ...['hf_abcdefghijklmnopqrstuvwx', 'SG.abcdefghijklmnop.qrstuvwx', 'hvs.CAESIJabcdefghijklm'],
    ...['DE89370400440532013000', 'GB82-WEST-1234-5698-7654-32', 'CH9300762011623852957'],
    ...['4539578763621486', '4111-1111-1111-1111', '378282246310005', '123-45-6789', '12345678Z'],
    ...'dckr_pat_abcdefghijklmnopqrstuvwx dapi0123456789abcdef0123456789abcdef NRAK-ABCDEFGHIJKLMNOPQRSTU'.split(
      ' ',
    ),
    ...'pul-0123456789abcdef ntn_abcdefghijklmnop xkeysib-0123456789abcdef sbp_0123456789abcdef'.split(
      ' ',
    ),
    ...'gsk_abcdefghijklmnop r8_abcdefghijklmnop glrt-abcdefghijklmnop GOCSPX-abcdefghijklmnop'.split(
      ' ',
    ),
    ...'LTAI5tabcdefghijklmnop AGE-SECRET-KEY-1QQQQQQQQQQQ secret_abcdefghijklmnop'.split(' '),
    ...'acme4111111111111111 7561234567897 X1234567L AB123456C'.split(' '),
    ...['756.1234.5678.97', 'aB3dE5gH7jK9mN1pQ3rS5tU7', 'x'.repeat(65)],
    ...[base64('a@b.de'), base64('bob@x.io'), Buffer.from('a@b.de').toString('hex')],
    ...[base64('alice@example.com'), base64('a.b@acme.ai'), `key-${base64('alice@example.com')}`],
    Buffer.from('alice@example.com').toString('hex'),
  ])('is no key of a vendor: %s', (text) => {
    expect(asCustomerKey(text)).toBeNull();
  });

  test.each([
    ...[
      '70b28f0',
      '70b28f00e38f41b2a723aab344f535b9',
      'CUST-0042',
      'acme_prod.7',
      '4539578763621487',
    ],
    ...['mesosphere-developer', 'A1B2-C3D4-E5F6', 'DE89370400440532013001', '{}'.length.toString()],
  ])('is not what has another form or a wrong check sum: %s', (text) => {
    expect(asCustomerKey(text)).toBe(text);
  });

  test.each([base64('alice@example.com'), `x-${base64('bob.smith@corp.example')}`])(
    'is no short word: %s',
    (text) => {
      expect(asToken(text)).toBeNull();
    },
  );
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

  test('has one canonical form', () => {
    for (const written of [SHA1, SHA1.toUpperCase(), ` ${SHA1}\n`]) {
      expect(asSha1(written)).toBe(SHA1);
    }
  });
});
