import { describe, expect, test } from 'vitest';
import type { ErrorSnapshot, ReportContent } from '../report.js';
import type { Properties } from '../vocabulary.js';
import { compileProduct } from './compile.js';
import type { EventDeclaration } from './declaration.js';

const failed: EventDeclaration = {
  about: 'It failed.',
  store: 'error',
  error: { kind: 'kind', message: 'message', count: 'count' },
};
const listed: EventDeclaration = {
  ...failed,
  error: { list: 'errors', kind: 'type', message: 'value', count: 'count' },
};

describe('an error', () => {
  test('has its kind, its message without identifying text, and its count', () => {
    const message = "no attribute 'x' of alice@example.com after 30 seconds";
    const { content, defects, dropped } = read(failed, { kind: 'KeyError', message, count: 3 });
    expect(content).toEqual({
      snapshot: {
        kind: 'error',
        id: expect.any(String),
        contentId: expect.any(String),
        event: 'failed',
        errorKind: 'KeyError',
        fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
        message: 'no attribute <text> of <email> after <number> seconds',
        occurrences: 3,
      },
    });
    expect({ defects, dropped }).toEqual({ defects: [], dropped: [] });
  });

  test('may have no content', () => {
    const nothings = [{}, { kind: null, message: null, count: null }, { kind: '', message: '' }];
    for (const sent of [...nothings, { message: 7 }, { message: { text: 'x' } }]) {
      expect(snapshotOf(failed, sent)).toMatchObject({
        errorKind: '',
        message: '',
        occurrences: 1,
      });
      expect(read(failed, sent).defects).toEqual([]);
    }
    const bare = { about: 'It failed.', store: 'error' } as const;
    expect(snapshotOf(bare, { kind: 'a', message: 'b' })).toMatchObject({ errorKind: '' });
  });

  test.each([
    ['kind', 'alice@example.com', 'malformed'],
    ['kind', 'no user Alice', 'malformed'],
    ['kind', '10.0.0.5', 'malformed'],
    ['kind', 7, 'not_text'],
    ['count', 'many', 'not_a_number'],
    ['count', -1, 'negative'],
    ['count', 1.5, 'fractional'],
  ])('keeps the rest where its %s is %j', (path, value, reason) => {
    const sent = { kind: 'KeyError', message: 'failed', count: 1 };
    const { content, defects } = read(failed, { ...sent, [path]: value });
    expect(defects).toEqual([{ path, reason }]);
    expect(content).toMatchObject({
      snapshot: {
        errorKind: path === 'kind' ? '' : 'KeyError',
        message: 'failed',
        occurrences: 1,
      },
    });
  });

  test('in a list is the first one of it', () => {
    const errors = [
      { type: 'Error', value: 'failed for "alice"' },
      { type: 'Other', value: 'x' },
    ];
    expect(snapshotOf(listed, { errors, type: 'Mine', value: 'mine', count: 2 })).toMatchObject({
      errorKind: 'Error',
      message: 'failed for <text>',
      occurrences: 2,
    });
    for (const none of [[], null, 'Error', { type: 'Error' }, [7], [['Error']]]) {
      expect(snapshotOf(listed, { errors: none })).toMatchObject({ errorKind: '', message: '' });
    }
  });

  test('reports how much of a message was cut off, and that a list had more errors', () => {
    const message = `failed ${'to connect and '.repeat(200)}`;
    const { defects } = read(failed, { message });
    expect(defects).toEqual([{ path: 'message', reason: 'too_long', leftOut: expect.any(Number) }]);
    expect(defects[0]!.leftOut).toBeGreaterThan(message.length - 510);
    expect(read(failed, { message: 'failed to connect' }).defects).toEqual([]);
    expect(read(listed, { errors: [{ type: 'A' }, { type: 'B' }] }).dropped).toEqual(['errors']);
    expect(read(listed, { errors: [{ type: 'A' }] }).dropped).toEqual([]);
  });

  test('drops all other properties, and records their names', () => {
    const sent = { kind: 'KeyError', message: 'failed', stack: 'at alice', 'alice@corp': ['x'] };
    const other = { 'of alice': '', version: '1.0', lines: 7, user: { name: 'alice' }, $width: 7 };
    const { content, dropped } = read(failed, { ...sent, ...other });
    expect(dropped).toEqual(['[10]', 'lines', 'stack', 'user']);
    expect(JSON.stringify({ content, dropped })).not.toContain('alice');
    expect(read(listed, { errors: [], kind: 'a', message: 'b' }).dropped).toEqual([
      'kind',
      'message',
    ]);
  });
});

describe('the fingerprint of an error', () => {
  const fingerprint = (sent: Properties, name?: string) =>
    snapshotOf(failed, sent, name).fingerprint;
  const sent = { kind: 'KeyError', message: 'timed out after 30 seconds' };

  test('is the same wherever, whenever and how often it happens', () => {
    const again = { ...sent, count: 7, version: '2.0', note: 'alice' };
    expect(fingerprint(again)).toBe(fingerprint(sent));
    const later = { ...sent, message: 'timed out after 31 seconds' };
    expect(fingerprint(later)).toBe(fingerprint(sent));
    // Errors are stored under it.
    expect(fingerprint(sent)).toBe('bf04aa4c5c4dbeee');
  });

  test('is another of another kind, message or event', () => {
    const all = [
      fingerprint(sent),
      fingerprint({ ...sent, kind: 'ValueError' }),
      fingerprint({ ...sent, kind: undefined }),
      fingerprint({ ...sent, message: 'failed' }),
      fingerprint({ kind: sent.message, message: sent.kind }),
      fingerprint(sent, 'other'),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});

function read(event: EventDeclaration, properties: Properties, name = 'failed') {
  const product = { product: 'acme', about: 'A tool.', events: { [name]: event } };
  const installationId = '70b28f00-e38f-41b2-a723-aab344f535b9';
  const envelope = { receivedAt: 1, product: 'acme', installationId, event: name, properties };
  return compileProduct(product).find(name)!.read(properties, envelope);
}

function snapshotOf(event: EventDeclaration, properties: Properties, name?: string) {
  return (read(event, properties, name).content as ReportContent).snapshot as ErrorSnapshot;
}
