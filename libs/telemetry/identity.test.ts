import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canonicalJson,
  contentId,
  eventKey,
  formerIdOf,
  formerIdsOf,
  installationIdOf,
  nameContent,
  parseInstallationId,
  personKey,
} from './identity.js';

const GUID = '70b28f00-e38f-41b2-a723-aab344f535b9';
const KEY = 'k'.repeat(32);
const OTHER_KEY = 'l'.repeat(32);
const ARN = 'arn:aws:cloudformation:us-west-2:123456789012:stack/alice';

describe('an installation id', () => {
  test('has one form, however an agent writes it', () => {
    fc.assert(
      fc.property(fc.uuid(), (guid) => {
        for (const written of spellingsOf(guid)) expect(parseInstallationId(written)).toBe(guid);
      }),
    );
  });

  test('is its own canonical form', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uuid(), fc.string()), (raw) => {
        const id = parseInstallationId(raw);
        if (id !== null) expect(parseInstallationId(id)).toBe(id);
      }),
    );
  });

  test.each([
    'open /var/lib/dcos/cluster-id: no such file or directory',
    '',
    '\n',
    GUID.slice(1),
    `${GUID}0`,
    GUID.replaceAll('-', '').slice(1),
    GUID.replace('-', '--'),
    GUID.replace('7', 'g'),
    `{${GUID}`,
    `${GUID}}`,
    `{{${GUID}}}`,
    `{${GUID})`,
    `(${GUID}`,
    `urn:${GUID}`,
    `uuid:${GUID}`,
    `urn:uuid:urn:uuid:${GUID}`,
    `urn:uuid:${GUID}0`,
    `${GUID}\n${GUID}`,
    `arn:aws:cloudformation:us-west-2:123456789012:stack/${GUID}`,
  ])('is not %j', (text) => {
    expect(parseInstallationId(text)).toBeNull();
  });

  test('is text of little length', () => {
    const values = [`${GUID}${' '.repeat(10_000)}`, 70, null, undefined, [GUID], { id: GUID }];
    for (const raw of values) expect(parseInstallationId(raw)).toBeNull();
  });
});

describe('the id under which an installation is stored', () => {
  /** A GUID of version 8. */
  const derived = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

  test('is its GUID, in one form, with any key', () => {
    fc.assert(
      fc.property(fc.uuid({ version: [3, 4, 5, 7, 8] }), (guid) => {
        for (const written of spellingsOf(guid)) {
          expect(installationIdOf(written, KEY)).toBe(guid);
          expect(installationIdOf(written, OTHER_KEY)).toBe(guid);
        }
      }),
    );
    expect(installationIdOf('00000000-0000-0000-0000-000000000000', KEY)).toMatch(/^0{8}-/);
  });

  test('is derived from a GUID that reveals the machine, in any spelling', () => {
    fc.assert(
      fc.property(fc.uuid({ version: [1, 2, 6] }), (guid) => {
        const id = installationIdOf(guid, KEY);
        expect(id).toMatch(derived);
        for (const written of spellingsOf(guid)) expect(installationIdOf(written, KEY)).toBe(id);
        expect(installationIdOf(guid, OTHER_KEY)).not.toBe(id);
        expect(installationIdOf(id, KEY)).toBe(id);
        expect(id).not.toContain(guid.slice(-12));
      }),
    );
  });

  test.each([
    ['SQL Server’s sequential ones', '64be3f2f-6de5-f111-98d1-02fc9a4e11b7'],
    ['Dell’s', '4c4c4544-0043-5910-8052-b4c04f4d3332'],
  ])('is derived from what is %s, though written like a GUID', (_, guid) => {
    const id = installationIdOf(guid, KEY);
    expect(id).toMatch(derived);
    expect(id).not.toContain(guid.slice(-12));
  });

  test.each([
    ARN,
    'arn:aws-cn:eks:cn-north-1:123456789012:cluster/prod',
    '/subscriptions/70b28f00-e38f-41b2-a723-aab344f535b9/resourceGroups/alice',
    'projects/alice/zones/a/clusters/b',
    '//container.googleapis.com/projects/alice',
    'ocid1.instance.oc1.phx.abcdef',
    'crn:v1:bluemix:public:alice',
    'acs:ecs:cn-hangzhou:123456789012:instance/i-1',
    'urn:example:alice',
  ])('is derived from a cloud provider’s name, such as %s', (name) => {
    const id = installationIdOf(name, KEY);
    expect(id).toMatch(derived);
    expect(installationIdOf(` ${name}\n`, KEY)).toBe(id);
    expect(installationIdOf(name.toUpperCase(), KEY)).toBe(id);
    expect(installationIdOf(name.toLowerCase(), KEY)).toBe(id);
    expect(installationIdOf(name, OTHER_KEY)).not.toBe(id);
    expect(installationIdOf(`${name}x`, KEY)).not.toBe(id);
  });

  test('is 122 bits of an HMAC-SHA-256 with the key', () => {
    const hex = createHmac('sha256', KEY).update(`installation\0${ARN}`).digest('hex');
    const id = installationIdOf(ARN, KEY)!.replaceAll('-', '');
    expect([id.slice(0, 12), id.slice(13, 16), id.slice(17)]).toEqual([
      hex.slice(0, 12),
      hex.slice(13, 16),
      hex.slice(17, 32),
    ]);
    // Installations are stored under it.
    expect(installationIdOf(ARN, KEY)).toBe('5893f580-33d5-83d2-8535-a914bfc2dc27');
  });

  test.each([
    'open /var/lib/dcos/cluster-id: no such file or directory',
    'arn:aws: no such file or directory',
    '',
    '\n',
    'arn:',
    'alice@example.com',
    '/home/alice',
    `${GUID}0`,
    `arn:aws:iam::1:${'x'.repeat(512)}`,
    7,
    null,
    undefined,
    [ARN],
    { id: ARN },
  ])('is none of %j', (raw) => {
    expect(installationIdOf(raw, KEY)).toBeNull();
  });
});

describe('the ids of earlier releases', () => {
  /** As they derived it from a name, in the case in which it was written. */
  const derivedFrom = (name: string) => {
    const hex = createHmac('sha256', KEY).update(`installation\0${name}`).digest('hex');
    const variant = ((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
    const digits = `${hex.slice(0, 12)}8${hex.slice(13, 16)}${variant}${hex.slice(18, 32)}`;
    return parseInstallationId(digits);
  };

  test('are none for a GUID without a prefix, and for a name in lower case', () => {
    for (const raw of [GUID, `{${GUID}}`, GUID.replaceAll('-', ''), ARN, 'alice', null]) {
      expect(formerIdOf(raw, KEY)).toBeNull();
    }
  });

  test.each([`urn:uuid:${GUID}`, `URN:UUID:${GUID}`, `Urn:Uuid:${GUID}`, ARN.toUpperCase()])(
    'are derived from %s as it is written',
    (raw) => {
      expect(formerIdOf(` ${raw}\n`, KEY)).toBe(derivedFrom(raw));
      expect(formerIdsOf(raw, KEY)).toContain(derivedFrom(raw));
    },
  );

  test('are found from any form of the GUID, and are never the id of today', () => {
    const stored = [
      ...[`urn:uuid:${GUID}`, `URN:UUID:${GUID}`, `URN:UUID:${GUID.toUpperCase()}`],
      ...[`Urn:Uuid:${GUID}`, `urn:uuid:{${GUID}}`, `urn:uuid:${GUID.replaceAll('-', '')}`],
    ];
    for (const written of spellingsOf(GUID)) {
      expect(formerIdsOf(written, KEY)).toEqual(expect.arrayContaining(stored.map(derivedFrom)));
      expect(formerIdsOf(written, KEY)).not.toContain(GUID);
    }
    expect(formerIdsOf(ARN, KEY)).toEqual([]);
    expect(formerIdsOf('alice', KEY)).toEqual([]);
  });

  test('hold a GUID that reveals the machine as it is', () => {
    const guid = '70b28f00-e38f-11b2-a723-aab344f535b9';
    for (const written of spellingsOf(guid)) expect(formerIdsOf(written, KEY)).toContain(guid);
  });
});

/** The ways in which clients write one GUID. */
function spellingsOf(guid: string): string[] {
  const bare = [guid, guid.replaceAll('-', '')].flatMap((it) => [it, it.toUpperCase()]);
  const prefixed = bare.flatMap((it) => [it, `urn:uuid:${it}`, `URN:UUID:${it}`, `Urn:uuid:${it}`]);
  const all = [...prefixed, ...bare.flatMap((it) => [`{${it}}`, `(${it})`])];
  return all.flatMap((it) => [it, `${it}\n`, `\t ${it}\r\n`]);
}

describe('the key of a person', () => {
  test('is 64 bits of an HMAC-SHA-256 with the key, as a number that a bigint holds', () => {
    const text = `user\0${GUID}\0alice@example.com`;
    const bits = createHmac('sha256', KEY).update(text).digest().readBigInt64BE(0);
    expect(personKey('user', 'alice@example.com', GUID, KEY)).toBe(bits.toString());
    // Users are counted under it.
    expect(bits.toString()).toBe('-5371086459662328121');
  });

  test('is the same however the person is written', () => {
    const key = personKey('user', 'alice@example.com', GUID, KEY);
    for (const written of ['Alice@Example.com', ' alice@example.com\n']) {
      expect(personKey('user', written, GUID, KEY)).toBe(key);
    }
  });

  test('is another in another role, of another person or installation, and with another key', () => {
    const keys = [
      personKey('user', 'alice', GUID, KEY),
      personKey('visitor', 'alice', GUID, KEY),
      personKey('user', 'bob', GUID, KEY),
      personKey('user', '', GUID, KEY),
      personKey('user', 'alice', GUID.replace('7', '8'), KEY),
      personKey('user', 'alice', GUID, OTHER_KEY),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('fits a signed 64-bit integer for every person', () => {
    fc.assert(
      fc.property(anyText, fc.uuid(), (person, installationId) => {
        const key = BigInt(personKey('visitor', person, installationId, KEY));
        expect(BigInt.asIntN(64, key)).toBe(key);
      }),
    );
  });
});

describe('the key of an event', () => {
  test('is the first 64 bits of a SHA-256, as a number that a bigint holds', () => {
    const key = eventKey('dcos', 'id', 'dc1417cd-476c-4f44-a998-07db97547e95');
    const text = '["dcos","id","dc1417cd-476c-4f44-a998-07db97547e95"]';
    const bits = createHash('sha256').update(text).digest().readBigInt64BE(0);
    expect(key).toBe(bits.toString());
    // Rows are stored under it: another key for the same event would make it another event.
    expect(key).toBe('2919371429709667003');
  });

  test('fits a signed 64-bit integer for every event name', () => {
    fc.assert(
      fc.property(fc.array(anyText), (parts) => {
        const key = BigInt(eventKey(...parts));
        expect(BigInt.asIntN(64, key)).toBe(key);
      }),
    );
  });

  test('depends on the boundaries of the parts, not only on their text', () => {
    const keys = [
      eventKey('a', 'bc'),
      eventKey('ab', 'c'),
      eventKey('abc'),
      eventKey('abc', ''),
      eventKey('a,"bc'),
      eventKey('a\ud83d'),
      eventKey('a\ud83e'),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('the JSON of a content', () => {
  test('does not depend on the order of keys, and has the same content', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(turned(value))).toBe(canonicalJson(value));
        expect(canonicalJson(JSON.parse(canonicalJson(value)))).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('is another where a list has another order', () => {
    expect(canonicalJson({ b: [2, 1], a: { d: 1, c: null } })).toBe(
      '{"a":{"c":null,"d":1},"b":[2,1]}',
    );
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
  });
});

describe('the id of a content', () => {
  test('is the first 128 bits of the SHA-256 of its JSON, as a UUID', () => {
    const id = contentId('frameworks', ['marathon', 'metronome'], [1, 1]);
    const text = '["frameworks",["marathon","metronome"],[1,1]]';
    const hex = createHash('sha256').update(text).digest('hex').slice(0, 32);
    expect(id.replaceAll('-', '')).toBe(hex);
    expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(id).toBe('7e683007-539e-e3d3-7117-c71a570cdca5');
  });

  test('has as a number its first 64 bits, under which snapshots are stored', () => {
    const name = nameContent('frameworks', ['marathon', 'metronome'], [1, 1]);
    expect(name).toEqual({
      contentId: '7e683007-539e-e3d3-7117-c71a570cdca5',
      id: BigInt('0x7e683007539ee3d3').toString(),
    });
    fc.assert(
      fc.property(fc.array(fc.string()), (content) => {
        const { contentId: uuid, id } = nameContent(content);
        const bits = BigInt.asUintN(64, BigInt(id)).toString(16).padStart(16, '0');
        expect(uuid.replaceAll('-', '').slice(0, 16)).toBe(bits);
      }),
    );
  });

  test('is the same for equal contents and another for different ones, order included', () => {
    const contents = fc.array(fc.oneof(fc.string(), fc.nat(), fc.array(fc.string())));
    fc.assert(
      fc.property(contents, contents, (one, other) => {
        expect(contentId(...structuredClone(one))).toBe(contentId(...one));
        const isEqual = JSON.stringify(one) === JSON.stringify(other);
        expect(contentId(...one) === contentId(...other)).toBe(isEqual);
        const turned = one.toReversed();
        const isSymmetric = JSON.stringify(one) === JSON.stringify(turned);
        expect(contentId(...turned) === contentId(...one)).toBe(isSymmetric);
      }),
    );
  });
});

/** The same value with the keys of its objects in reverse. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([key, part]) => [key, turned(part)]));
}

const anyText = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
});
