import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scrubMessage } from './scrub.js';

const scrub = (message: string) => scrubMessage(message).text;
import { words } from './words.js';

describe('a message', () => {
  test.each([
    ['Connection refused', 'Connection refused'],
    ["'NoneType' object has no attribute 'x'", '<text> object has no attribute <text>'],
    ["expected one of 'is', 'id' at 0:5", 'expected one of <text>, <text> at <number>:<number>'],
    ['Failed to collect account 123456789012', 'Failed to collect account <number>'],
    ['KeyError: reported', 'KeyError: reported'],
    ["can’t open the file, doesn't exist", "can’t open the file, doesn't exist"],
    ['  two\n\n  files\t', 'two files'],
    ['', ''],
    ['😀', ''],
  ])('%j becomes %j', (message, scrubbed) => {
    expect(scrub(message)).toBe(scrubbed);
  });

  test.each([
    ['no user "Alice Smith" found', 'no user <text> found'],
    ['no user `alice` found', 'no user <text> found'],
    ['no user “alice” found', 'no user <text> found'],
    ['no user ‘alice’ found', 'no user <text> found'],
    ['no user «alice» found', 'no user <text> found'],
    ['no user alice@example.com found', 'no user <email> found'],
    ['no user <alice@example.com> found', 'no user <<email>> found'],
    ['no user alice+x@corp found', 'no user <email> found'],
    ['cannot get https://alice:pw@example.com/a?b=c#d', 'cannot get <url>'],
    ['cannot get www.example.com', 'cannot get <url>'],
    ['cannot get arn:aws:iam::123456789012:user/alice', 'cannot get <url>'],
    ['cannot get postgres://alice@db', 'cannot get <url>'],
    ['host node-7.corp.example.com is down', 'host <name> is down'],
    ['host alice.local: timeout', 'host <name>: timeout'],
    ['no such file: /home/alice/.kube/config', 'no such file: <path>'],
    ['no such file: ~/alice', 'no such file: <path>'],
    ['no such file: ../alice/x', 'no such file: <path>'],
    ['no such file: alice/x', 'no such file: <path>'],
    ['no such file: C:\\Users\\alice', 'no such file: <path>'],
    ['no such file: \\\\server\\alice', 'no such file: <path>'],
    ['no route to 10.0.0.5', 'no route to <ip>'],
    ['no route to 10.0.0.0/24', 'no route to <ip>'],
    ['no route to 10.0.0.5:8080', 'no route to <ip>:<number>'],
    ['no route to fe80::1', 'no route to <ip>'],
    ['no route to fe80::1%eth0', 'no route to <ip>'],
    ['no route to 2001:db8::/32', 'no route to <ip>'],
    ['no route to ::ffff:10.0.0.5', 'no route to <ip>'],
    ['no device 00:1b:63:84:45:e6', 'no device <mac>'],
    ['no device 00-1B-63-84-45-E6', 'no device <mac>'],
    ['timed out after 30 seconds', 'timed out after <number> seconds'],
    ['timed out after 1,000.5', 'timed out after <number>'],
    ['used 99% of it', 'used <number> of it'],
    ['called +1 555 123-4567', 'called <number>'],
    ['status -1', 'status <number>'],
    ['instance i-0abc123def456', 'instance <word>'],
    ['instance 70b28f00-e38f-41b2-a723-aab344f535b9', 'instance <word>'],
    ['token 9f86d081884c7d65', 'token <word>'],
    ['user Alice Smith is unknown', 'user <word> is unknown'],
    ['user Überall is unknown', 'user <word> is unknown'],
    ['user 太郎 is unknown', 'user <word> is unknown'],
    ['AliceError: failed', '<word>: failed'],
    ['alice_error failed', '<word> failed'],
    ['$alice failed', '<word> failed'],
  ])('%j becomes %j', (message, scrubbed) => {
    expect(scrub(message)).toBe(scrubbed);
  });

  test('may end in an address and a full stop', () => {
    expect(scrub('no route to 10.0.0.5.')).toBe('no route to <ip>.');
    expect(scrub('no user alice@example.com.')).not.toMatch(/alice|example/);
    expect(scrub('no file /home/alice.')).not.toMatch(/alice|home/);
    expect(scrub('no host node-7.corp.')).toBe('no host <name>.');
  });

  test('becomes equal to messages that differ only in details', () => {
    const details = fc.record({
      user: fc.stringMatching(/^[a-z][a-z0-9.+_-]{0,20}@[a-z0-9-]{1,20}(\.[a-z]{2,9}){0,2}$/),
      url: fc.webUrl(),
      ip: fc.oneof(fc.ipV4(), fc.ipV6()).filter((ip) => !/(?:[0-9a-f]{2}:){5}/i.test(ip)),
      seconds: fc.nat(),
      name: fc.stringMatching(/^[a-z ]{0,20}$/),
    });
    fc.assert(
      fc.property(details, ({ user, url, ip, seconds, name }) => {
        const message = `no user ${user} named "${name}" at ${ip} after ${seconds} s for ${url}`;
        expect(scrub(message)).toBe(
          'no user <email> named <text> at <ip> after <number> s for <url>',
        );
      }),
    );
  });

  test('contains only words of the vocabulary and placeholders after scrubbing', () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(strangersIn(scrub(message))).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  test('gains no other words when it is scrubbed again', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const again = scrub(scrub(message));
        expect(strangersIn(again)).toEqual([]);
        expect(again.replace(/<[a-z]+>/g, '<>')).not.toMatch(/planted/i);
      }),
    );
  });

  test('is truncated, but never within a placeholder', () => {
    expect(scrub('failed '.repeat(500))).toHaveLength(500);
    const email = 'alice.planted@example.com';
    for (let before = 1960; before < 2010; before += 1) {
      const scrubbed = scrub(`${' '.repeat(before)}${email} failed`);
      expect(scrubbed).not.toMatch(/alice|planted|example/);
    }
  });

  test.each([
    ...['a.', 'a-', 'a/', 'a@', 'a:', '0:', '1.', '1 ', '1_', '.@', '!a', '\\\\', '::', "'", '"'],
    ...['`', '“', '<', 'a+', 'a+.-', '\ud83d', '\u0301', '/', '~/', '%', '1'.repeat(2000), 'x'],
  ])('may be made of %j and nothing else', (part) => {
    const text = part.repeat(Math.ceil(2000 / part.length)).slice(0, 2000);
    for (const message of [text, `${text.slice(0, 1999)}x`, `${text.slice(0, 1999)}@`]) {
      const scrubbed = scrub(message);
      const whole =
        scrubbed.length < 500 ? scrubbed : scrubbed.slice(0, 470).replace(/<[a-z]*$/, '');
      expect(strangersIn(whole)).toEqual([]);
    }
  });

  test('may be longer than the part that is read', () => {
    expect(scrub(`failed ${'1'.repeat(1_000_000)}x`)).toBe('failed <number>');
    expect(scrub(`${' '.repeat(2000)}Alice`)).toBe('');
  });
});

test('the vocabulary has only lower-case words, and none of the personal names in these tests', () => {
  for (const word of words) expect(word).toMatch(/^[a-z]+$/);
  for (const name of ['alice', 'smith', 'bob', 'carol', 'planted'])
    expect(words).not.toContain(name);
  expect(words.size).toBeGreaterThan(1000);
});

/** Text in a scrubbed message other than placeholders, words of the vocabulary and marks. */
function strangersIn(scrubbed: string): string[] {
  const placeholders = /<(?:text|url|email|path|mac|ip|number|name|word)>/g;
  const said = scrubbed.replace(placeholders, ' ').match(/[^\s.,:;!?()[\]{}<>=+*/%&|^#-]+/g) ?? [];
  return said.filter((word) => {
    const parts = word.split(/[_'’-]|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/);
    return !parts.every((part) => /^[A-Za-z]?$/.test(part) || words.has(part.toLowerCase()));
  });
}

const messages = fc
  .array(
    fc.tuple(
      fc.oneof(
        fc.constantFrom('failed', 'for', 'in', 'to', 'no', 'be', 'a', 'Error', 'connectionPool'),
        fc.constantFrom('Planted', 'planted_name', 'plantedName', 'PLANTED', 'Plánted', '植'),
        fc.constantFrom('planted@example.com', 'https://planted', '/home/planted', '10.0.0.5'),
        fc.constantFrom('"', "'", '`', '“', '€', '~', '\\', '@', '\u0301', '\ud83d', '_', '$', '’'),
        fc.string({ unit: 'binary', maxLength: 6 }),
        fc.string({ maxLength: 6 }),
      ),
      fc.constantFrom('', ' ', ', ', ': ', '-', '.', '\n'),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.flat().join(''));
