import { generateKeyPairSync, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkChain } from './chain.js';
import {
  BEGINNING,
  formerPlaces,
  hashOfLine,
  keysById,
  readLine,
  writeLines,
  type LedgerRecord,
} from './entry.js';
import { erasuresIn } from './remembered-erasures.js';
import { planRepair } from './repair.js';

const { privateKey: key } = generateKeyPairSync('ed25519');
const keys = keysById([key]);

function recordOf(index: number): LedgerRecord {
  return {
    ...{ kind: 'erased', mode: 'erase_and_suppress', erasureId: randomUUID() },
    requestedAt: new Date(index * 1000).toISOString(),
    installations: [Buffer.from(`digest ${index}`).toString('base64url')],
  };
}

function chainOf(length: number, after = BEGINNING, signer = key): string[] {
  const records = Array.from({ length }, (_, index) => recordOf(index));
  return writeLines(records, { after, at: new Date(0), key: signer }).map(({ line }) => line);
}

const LENGTH = 8;
const whole = chainOf(LENGTH);
const places = fc.integer({ min: 0, max: LENGTH - 1 });
const each = { keys, signatures: 'each' } as const;
const last = { keys, signatures: 'last' } as const;

test('an unchanged chain has no fault', () => {
  for (const how of [each, last]) {
    const { entries, head, fault } = checkChain(whole, how);
    expect(entries).toHaveLength(LENGTH);
    expect(head.sequence).toBe(LENGTH);
    expect(fault).toBeNull();
  }
});

describe.each([
  ['each signature', each],
  ['the last signature', last],
] as const)('checked by %s', (_, how) => {
  test('a missing entry is detected', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: LENGTH - 2 }), (at) => {
        const { fault } = checkChain(whole.toSpliced(at, 1), how);
        expect(fault).toEqual({ reason: 'missing', sequence: at + 1 });
      }),
    );
  });

  test('swapped entries are detected', () => {
    fc.assert(
      fc.property(places, places, (one, other) => {
        fc.pre(one !== other);
        const lines = [...whole];
        [lines[one], lines[other]] = [lines[other]!, lines[one]!];
        expect(checkChain(lines, how).fault?.sequence).toBe(Math.min(one, other) + 1);
      }),
    );
  });

  test('a changed character is detected, and the entries before it stay valid', () => {
    fc.assert(
      fc.property(places, fc.nat(), (at, position) => {
        const line = whole[at]!;
        const place = position % line.length;
        const other = line[place] === 'A' ? 'B' : 'A';
        const changed = line.slice(0, place) + other + line.slice(place + 1);
        const { fault, entries } = checkChain(whole.with(at, changed), how);
        expect(fault).not.toBeNull();
        expect([at + 1, at + 2]).toContain(fault?.sequence);
        expect(entries.length).toBeGreaterThanOrEqual(Math.max(at - 1, 0));
        expect(entries.length).toBeLessThanOrEqual(at + 1);
      }),
    );
  });

  test('an entry forged without the key is detected', () => {
    const { privateKey: foreign } = generateKeyPairSync('ed25519');
    const { head } = checkChain(whole, how);
    const { fault } = checkChain([...whole, ...chainOf(1, head, foreign)], how);
    expect(fault).toEqual({ reason: 'unknown_key', sequence: LENGTH + 1 });
  });
});

test('entries signed with a former key are valid if that key is configured', () => {
  const { privateKey: later } = generateKeyPairSync('ed25519');
  const { head } = checkChain(whole, each);
  const lines = [...whole, ...chainOf(1, head, later)];
  const both = keysById([later, key]);
  expect(checkChain(lines, { keys: both, signatures: 'each' }).fault).toBeNull();
});

describe('two copies', () => {
  test('an incomplete copy is completed from the other, whichever it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: LENGTH }), fc.boolean(), (kept, isFile) => {
        const part = whole.slice(0, kept);
        const plan = isFile ? planRepair(whole, part, { keys }) : planRepair(part, whole, { keys });
        const [lacking, other] = isFile ? [plan.file, plan.redis] : [plan.redis, plan.file];
        expect(plan.lines).toEqual(whole);
        expect(plan.again).toEqual([]);
        expect(other.action).toBe('keep');
        expect(lacking).toEqual({ action: kept < LENGTH ? 'add' : 'keep', fault: null, kept });
      }),
    );
  });

  test('a copy that was tampered with is replaced by the other', () => {
    fc.assert(
      fc.property(places, fc.boolean(), (at, isFile) => {
        const entry = readLine(whole[at]!)!;
        const tampered = whole.with(at, JSON.stringify({ ...entry, installations: [] }));
        const plan = isFile
          ? planRepair(whole, tampered, { keys })
          : planRepair(tampered, whole, { keys });
        expect(plan.lines).toEqual(whole);
        const damaged = isFile ? plan.file : plan.redis;
        expect(damaged).toMatchObject({ action: 'replace', fault: { sequence: at + 1 } });
      }),
    );
  });

  test('after a fork the longer branch stays, and the entries of the other are appended to it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 }), fc.nat(3), fc.nat(3), (common, one, other) => {
        const trunk = whole.slice(0, common);
        const { head } = checkChain(trunk, last);
        const [inRedis, inFile] = [one, other].map((length) => [
          ...trunk,
          ...chainOf(length, head),
        ]);
        const { lines, again } = planRepair(inRedis!, inFile!, { keys });
        const remembered = new Set(
          [...lines.map((line) => readLine(line)!), ...again].map(({ erasureId }) => erasureId),
        );
        expect(remembered.size).toBe(common + one + other);
        expect(lines).toHaveLength(common + Math.max(one, other));
      }),
    );
  });

  test('copies that are damaged in different places yield the complete chain', () => {
    const damaged = fc.array(fc.constantFrom('redis', 'file', 'none'), {
      ...{ minLength: LENGTH, maxLength: LENGTH },
    });
    fc.assert(
      fc.property(damaged, fc.boolean(), (damages, isCut) => {
        const without = (copy: string) =>
          whole.flatMap((line, at) => {
            if (damages[at] !== copy) return [line];
            return isCut ? [] : [line.slice(1)];
          });
        const { lines, again } = planRepair(without('redis'), without('file'), { keys });
        expect(lines).toEqual(whole);
        expect(again).toEqual([]);
      }),
    );
  });

  test('entries after one that both copies lost are appended again, without former places', () => {
    const cut = whole.toSpliced(2, 1);
    const { lines, again } = planRepair(cut, cut, { keys });
    expect(lines).toEqual(whole.slice(0, 2));
    expect(again.map(({ erasureId }) => erasureId)).toEqual(
      whole.slice(3).map((line) => readLine(line)!.erasureId),
    );
    expect(again.flatMap(formerPlaces)).toEqual([]);
    const repaired = continuedBy(lines, again);
    expect(planRepair(repaired, cut, { keys })).toMatchObject({ lines: repaired, again: [] });
  });

  test('an entry that loses two forks keeps both former places and its time', () => {
    const trunk = whole.slice(0, 1);
    const { head } = checkChain(trunk, last);
    const lost = [...trunk, ...chainOf(1, head)];
    const first = repaired(lost, [...trunk, ...chainOf(2, head)]);
    const second = repaired(first, [...trunk, ...chainOf(6, head)]);
    const { erasureId } = readLine(lost[1]!)!;
    const entry = second.map((line) => readLine(line)!).find((it) => it.erasureId === erasureId)!;
    expect(formerPlaces(entry)).toEqual([
      { sequence: 2, hash: hashOfLine(lost[1]!) },
      { sequence: 4, hash: hashOfLine(first[3]!) },
    ]);
    expect(entry.at).toBe(new Date(0).toISOString());
    for (const copy of [lost, first]) expect(planRepair(second, copy, { keys }).again).toEqual([]);
  });

  test.each([
    ['at its end', (lines: string[]) => lines],
    ['behind damage', (lines: string[]) => lines.with(2, lines[2]!.slice(1))],
  ])('an entry with an unknown key prevents a repair (%s)', (_, damage) => {
    const { privateKey: later } = generateKeyPairSync('ed25519');
    const { head } = checkChain(whole, last);
    const longer = damage([...whole, ...chainOf(1, head, later)]);
    const unknownKey = { reason: 'unknown_key', sequence: LENGTH + 1 };
    expect(planRepair(longer, whole, { keys })).toMatchObject({ unknownKey });
    expect(planRepair(whole, longer, { keys })).toMatchObject({ unknownKey });
    const both = keysById([key, later]);
    expect(planRepair(whole, longer, { keys: both })).toMatchObject({ unknownKey: null });
  });
});

test('after a fork, the latest entry of an erasure counts', () => {
  const record = recordOf(1);
  const [erased, suppressed] = [
    { ...record, at: '2026-01-01T00:00:02.000Z' },
    { ...record, kind: 'suppressed' as const, at: '2026-01-01T00:00:01.000Z' },
  ];
  const { entries } = checkChain(continuedBy([], [erased, suppressed]), each);
  expect(erasuresIn(entries)).toMatchObject([{ kind: 'erased', at: erased.at }]);
});

function continuedBy(lines: readonly string[], records: readonly LedgerRecord[]): string[] {
  const { head } = checkChain(lines, last);
  const added = writeLines(records, { after: head, at: new Date(), key });
  return [...lines, ...added.map(({ line }) => line)];
}

/** The chain that a repair of two copies yields. */
function repaired(redis: readonly string[], file: readonly string[]): string[] {
  const { lines, again } = planRepair(redis, file, { keys });
  return continuedBy(lines, again);
}
