import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contentId, eventKey, parseInstallationId } from './identity.js';

const GUID = '70b28f00-e38f-41b2-a723-aab344f535b9';

describe('an installation id', () => {
  test('has one form, however an agent writes it', () => {
    fc.assert(
      fc.property(fc.uuid(), (guid) => {
        const upper = guid.toUpperCase();
        for (const written of [guid, upper, `${guid}\n`, ` ${guid}\r\n`, `{${upper}}`]) {
          expect(parseInstallationId(written)).toBe(guid);
        }
      }),
    );
  });

  test.each([
    'open /var/lib/dcos/cluster-id: no such file or directory',
    '',
    '\n',
    GUID.slice(1),
    `${GUID}0`,
    GUID.replaceAll('-', ''),
    GUID.replace('7', 'g'),
    `{${GUID}`,
    `${GUID}}`,
    `{{${GUID}}}`,
    `${GUID}\n${GUID}`,
    `urn:uuid:${GUID}`,
    `arn:aws:cloudformation:us-west-2:123456789012:stack/${GUID}`,
  ])('is not %j', (text) => {
    expect(parseInstallationId(text)).toBeNull();
  });

  test('is text of little length', () => {
    const values = [`${GUID}${' '.repeat(10_000)}`, 70, null, undefined, [GUID], { id: GUID }];
    for (const raw of values) expect(parseInstallationId(raw)).toBeNull();
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

  test('fits 64 bits with a sign, whatever the event is called', () => {
    fc.assert(
      fc.property(fc.array(anyText), (parts) => {
        const key = BigInt(eventKey(...parts));
        expect(BigInt.asIntN(64, key)).toBe(key);
      }),
    );
  });

  test('tells parts from parts, not only their text', () => {
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

describe('the id of a content', () => {
  test('is the first 128 bits of the SHA-256 of its JSON, as a UUID', () => {
    const id = contentId('frameworks', ['marathon', 'metronome'], [1, 1]);
    const text = '["frameworks",["marathon","metronome"],[1,1]]';
    const hex = createHash('sha256').update(text).digest('hex').slice(0, 32);
    expect(id.replaceAll('-', '')).toBe(hex);
    expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    // Snapshots are stored under it.
    expect(id).toBe('7e683007-539e-e3d3-7117-c71a570cdca5');
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

const anyText = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
});
