import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isIdentifying, isName, isVersion } from './identifying.js';

const hosts = fc
  .tuple(
    fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/),
    fc.constantFrom('com', 'org', 'io', 'de', 'cloud', 'local', 'internal', 'corp', 'example'),
  )
  .map((labels) => labels.join('.'));

const macs = fc
  .tuple(fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 6, maxLength: 6 }), fc.boolean())
  .map(([bytes, hasDashes]) =>
    bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(hasDashes ? '-' : ':'),
  );

const homes = fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,9}$/).map((name) => `/home/${name}`);

const identifying = fc.oneof(
  ...[fc.emailAddress(), fc.webUrl(), fc.ipV4(), fc.ipV6(), fc.uuid(), hosts, macs, homes],
  fc.integer({ min: 100_000, max: 2 ** 31 - 1 }).map(String),
);

describe('identifying text', () => {
  test.each([
    ...[
      'alice@example.com',
      'alice@corp',
      '@alice',
      'mailto:alice',
      'https://x',
      'ftp://x',
      'www.x',
    ],
    ...[
      'arn:aws:iam::1:user/a',
      'urn:uuid:a',
      '/etc',
      '/',
      '~/x',
      '~alice/x/y',
      '\\\\server\\share',
    ],
    ...['c:\\x', 'C:/x', 'home/alice/x', 'a\\b\\c', '10.0.0.5', '10.0.0.5:8080', 'at 10.0.0.5!'],
    ...['::1', 'fe80::1', '2001:db8::ff00:42:8329', '00:1b:63:84:45:e6', '00-1B-63-84-45-E6'],
    ...['{70B28F00-E38F-41B2-A723-AAB344F535B9}', 'node.example.com', 'NODE.CORP', 'x.local'],
    ...['gitlab.io/x', 'a.de:443', '123456', 'a123456b', '+49 171 1234567', '(555) 123-4567-89'],
    ...['1-2-3-4-5-6-7-8-9', '4f53cda18c2b', 'id 9f86d081884c7d659a2f'],
  ])('is %s', (text) => {
    expect(isIdentifying(text)).toBe(true);
  });

  test.each(['10.0.0.5.', 'Found no route to 10.0.0.5.', 'node.10.0.0.5', '.10.0.0.5'])(
    'is %s, whatever stands around the address',
    (text) => {
      expect(isIdentifying(text)).toBe(true);
    },
  );

  test.each([
    ...['', 'kafka', 'dcos-signal-timer', 'marathon-lb', 'Spark (prod)', 'cassandra.dcos', 'a:b'],
    ...['std::string', 'TypeError', 'org.apache.spark', 'Octopus.Script', 'azure/web', 'x86_64'],
    ...[
      '1.0.post1.dev2',
      'org.slf4j.slf4j-api',
      '1.10.11',
      '2.10.0-1.0.0',
      '12:30',
      '12345',
      '1,000',
      'deadbeef',
      'プロド',
      'e.g. this',
    ],
    ...['op_=~', 'node_count_*.aws_ec2_instance', 'requests.exceptions.ConnectionError'],
  ])('is not %j', (text) => {
    expect(isIdentifying(text)).toBe(false);
  });

  test.each(['java.io.IOException', 'java.net.SocketException', 'System.Net.Http.HttpClient'])(
    'is not %s, in which no host’s name ends',
    (text) => {
      expect(isIdentifying(text)).toBe(false);
    },
  );

  test.each(['alice.example.com-prod', 'kafka.node-7.corp.example.com.count'])(
    'is %s, whatever stands behind the host’s name',
    (text) => {
      expect(isIdentifying(text)).toBe(true);
    },
  );

  test.each([
    ...['job:arn:aws:s3:::alice', 'db1.alice.dk', 'IP_10_0_0_5', 'cpu.10.0.0.5.load'],
    ...['02_fc_9a_4e_11_b7', 'account_1234_5678_9012', '079_555_01_32'],
  ])('is %s, as the names of things may have it in them', (text) => {
    expect(isIdentifying(text)).toBe(true);
  });

  test('is any text that contains an address, a number or a place of a person', () => {
    const [befores, afters] = [
      ['', ' ', '(', '"', 'to ', '=', ', '],
      ['', ' ', ')', '"', ', ', '!', '.', '; for'],
    ].map((texts) => fc.constantFrom(...texts)) as [fc.Arbitrary<string>, fc.Arbitrary<string>];
    fc.assert(
      fc.property(identifying, befores, afters, (it, before, after) => {
        expect(isIdentifying(`${before}${it}${after}`)).toBe(true);
      }),
    );
  });

  test('may be allowed to have some shapes, and only those', () => {
    expect(isIdentifying('15551234567', 'number')).toBe(false);
    expect(isIdentifying('15551234567', 'email', 'token')).toBe(true);
    expect(isIdentifying('alice@example.com 15551234567', 'number')).toBe(true);
    const guid = '70b28f00-e38f-41b2-a723-aab344f535b9';
    expect(isIdentifying(guid, 'number', 'guid', 'token', 'serial')).toBe(false);
    expect(isIdentifying(guid, 'number', 'token')).toBe(true);
  });

  test('is any text that is longer than a name, without inspection', () => {
    for (const text of ['a', 'a.', '1 a ', 'g-', '@'].map((it) => it.repeat(150_000))) {
      expect(isIdentifying(text)).toBe(true);
    }
    expect(isIdentifying('a '.repeat(256))).toBe(false);
  });
});

describe('the name of a kind of thing', () => {
  test.each([
    ...['kafka', 'TypeError', '_private', '$identify', 'op_=~', '<=', '>=', '!=', '-f', '+x', '=~'],
    ...['x86_64', 'c++', 'c#', 'Octopus.Script', 'aws_ec2_instance', '200', 'x'.repeat(64)],
  ])('may be %s', (text) => {
    expect(isName(text)).toBe(true);
  });

  test.each([
    ...['', ' ', 'two words', 'a\n', 'a/b', 'a\\b', 'a:b', 'a,b', '"a"', '(a)', '[17]', '*', '#a'],
    ...['プロド', 'ä', 'a\u0000', 'x'.repeat(65), 'alice@corp', 'node.corp', '10.0.0.5', '123456'],
    ...['4f53cda18c2b', '70b28f00-e38f-41b2-a723-aab344f535b9', '00-1b-63-84-45-e6'],
  ])('is not %j', (text) => {
    expect(isName(text)).toBe(false);
  });

  test('contains no blank and no identifying text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), identifying), (text) => {
        if (isName(text)) expect(/\s|\/|@/.test(text) || isIdentifying(text)).toBe(false);
        else expect(isName(` ${text}`)).toBe(false);
      }),
    );
  });
});

describe('a version', () => {
  test.each([
    ...['1', '1.10.11', '1.7-open', '1.13-dev+3f2a1c9', 'v1.7.2', 'V2', '2.10.0-1.0.0', '1.0~rc1'],
    ...['1.3.0-SNAPSHOT', '2021.1.0', '20160315', '1.2.3.4', '9.9.9.9', '1.10.0_2', '0.9.2.0'],
    ...[
      '2020.4.0',
      '10.0.19041',
      'alpha',
      'beta-1.2',
      'stub-universe',
      'latest',
      'Master',
      'dev.7',
      '1'.padEnd(61, '.0'),
    ],
  ])('may be %s', (text) => {
    expect(isVersion(text)).toBe(true);
  });

  test.each([
    ...[
      '',
      'alice',
      'v',
      'version',
      'victor',
      'devon',
      'rc1x',
      'master.corp',
      'dev-alice',
      '<2.6',
      '1 0',
      '1.0\n',
      '1/0',
      '1:0',
      '1@2',
      '１',
    ],
    ...['10.0.0.5', '192.168.100.1', '123456789', '1-123456789', '1'.padEnd(66, '.0')],
  ])('is not %j', (text) => {
    expect(isVersion(text)).toBe(false);
  });

  test.each([
    ...['1.0-node-7.corp.example.com', '7.node.example.com', '1.0-10.20.30.40'],
    ...['00-1b-63-84-45-e6', '70b28f00-e38f-41b2-a723-aab344f535b9'],
    ...['0171-2345678', '415.555.0132', '1234_5678_9012', '3.121.45.67', '1.0-3.121.45.67'],
  ])('is not %s, though it begins with a number', (text) => {
    expect(isVersion(text)).toBe(false);
  });
});
