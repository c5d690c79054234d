import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventEnvelope } from '../envelope.js';
import type { UiSnapshot } from '../report.js';
import type { Properties } from '../vocabulary.js';
import { readUiEvent, uiPath } from './ui.js';

describe('a page view', () => {
  test('is stored as its path and the version of the UI', () => {
    const page = {
      appVersion: '1.10.0',
      version: '1.10.11',
      path: '/services/detail/[id]',
      title: 'x',
    };
    const { snapshot, defects } = read(page);
    expect(snapshot).toEqual({
      kind: 'ui',
      id: expect.any(String),
      contentId: expect.any(String),
      action: 'page_view',
      path: '/services/detail/[id]',
      appVersion: '1.10.0',
    });
    expect(defects).toEqual([]);
  });

  test('is stored without its query and fragment', () => {
    const paths = fc.stringMatching(/^\/[a-z/[\]%-]{0,40}$/);
    const lineEnds = fc.constantFrom('\n', '\r', '\u0085', '\u2028', '\u2029');
    const rests = fc.array(fc.oneof(fc.string({ unit: 'binary' }), lineEnds), { maxLength: 9 });
    fc.assert(
      fc.property(paths, fc.constantFrom('?', '#'), rests, (path, mark, rest) => {
        const sent = `${path}${mark}${rest.join('')}`.slice(0, 256);
        expect(read({ path: sent }).snapshot).toEqual(read({ path }).snapshot);
        expect(read({ path: sent }).snapshot.path).toBe(uiPath(path));
      }),
    );
  });

  test('may have null or missing fields', () => {
    for (const sent of [{ path: null, appVersion: null }, { path: '', appVersion: '' }, {}]) {
      const { snapshot, defects } = read(sent);
      expect(snapshot).toMatchObject({ path: '', appVersion: '' });
      expect(defects).toEqual([]);
    }
  });

  test('keeps the other field when one is invalid', () => {
    const tooLong = read({ path: 'x'.repeat(257), appVersion: '1' });
    expect(tooLong.snapshot).toMatchObject({ path: '', appVersion: '1' });
    expect(tooLong.defects).toEqual([{ path: 'path', reason: 'too_long' }]);
    for (const [appVersion, reason] of [
      [7, 'not_text'],
      ['alice', 'malformed'],
      ['1.10.0 of alice', 'malformed'],
      ['10.0.0.5', 'malformed'],
      ['1'.padEnd(66, '.0'), 'malformed'],
      ['x'.repeat(257), 'too_long'],
    ] as const) {
      const { snapshot, defects } = read({ path: '/', appVersion });
      expect(snapshot).toMatchObject({ path: '/', appVersion: '' });
      expect(defects).toEqual([{ path: 'appVersion', reason }]);
    }
    expect(read({ path: `/${'x'.repeat(255)}`, appVersion: '1'.padEnd(61, '.0') }).defects).toEqual(
      [],
    );
  });

  test('is stored without terminal control characters', () => {
    const { snapshot } = read({ path: ' /no\u0000des\u001b\ud83d\n', appVersion: '1\n' });
    expect(snapshot).toMatchObject({ path: '[id]/[id]', appVersion: '1' });
    expect(read({ path: '/', appVersion: '1\u0007' }).snapshot.appVersion).toBe('');
  });
});

describe('the path of a page', () => {
  test.each([
    ['/', '/'],
    ['/nodes/', '/nodes/'],
    ['/dashboard', '/dashboard'],
    ['#/services/overview', '/services/overview'],
    ['/services/detail/[id]/tasks', '/services/detail/[id]/tasks'],
    ['/services/detail/:id', '/services/detail/[id]'],
    ['/services/detail/%2Fprod%2Falice/tasks', '/services/detail/[id]/tasks'],
    ['/nodes/10.0.0.5/tasks', '/nodes/[id]/tasks'],
    ['/nodes/70b28f00-e38f-41b2-a723-aab344f535b9-S1', '/nodes/[id]'],
    ['/organization/users/alice@example.com', '/organization/users/[id]'],
    ['/Services/detail', '/[id]/detail'],
    ['/nodes\n', '/[id]'],
    ['https://corp.example.com/nodes', '[id]//[id]/nodes'],
    ['alice', '[id]'],
    ['?alice', ''],
    ['#alice', '[id]'],
    ['', ''],
  ])('%j is %j, for only the words of the UI’s own routes are its', (path, kept) => {
    expect(uiPath(path)).toBe(kept);
    expect(read({ path }).snapshot.path).toBe(kept);
  });

  test('is equal for a view with a name and for one with a placeholder', () => {
    const names = fc.stringMatching(/^[A-Z0-9._~%@-]{1,40}$/);
    fc.assert(
      fc.property(names, (name) => {
        const [one, other] = [`/services/detail/${name}/tasks`, '/services/detail/[id]/tasks'];
        expect(read({ path: one }).snapshot).toEqual(read({ path: other }).snapshot);
      }),
    );
  });

  test('is unchanged when it is read again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (path) => {
        expect(uiPath(uiPath(path))).toBe(uiPath(path));
      }),
    );
  });
});

test('every action, path and version has a separate snapshot, and nothing else does', () => {
  const page = { path: '/nodes', appVersion: '1' };
  const snapshots = [
    ...(['page_view', 'identify', 'login', 'logout'] as const).map((it) => read(page, it)),
    read({ ...page, path: '/' }),
    read({ ...page, appVersion: '2' }),
    read({ path: '1', appVersion: '/nodes' }),
  ].map(({ snapshot }) => snapshot.id);
  expect(new Set(snapshots).size).toBe(7);
  const asSomeone = {
    ...page,
    userId: 'alice@example.com',
    email: 'alice@example.com',
    title: 'x',
  };
  expect(read(asSomeone).snapshot).toEqual(read(page).snapshot);
});

test('the user and the browser have the keys of the envelope, which do not change the snapshot', () => {
  const page = { path: '/nodes', userKey: 'alice', visitorKey: 'alice' };
  const keys = { userKey: '-7', visitorKey: '9' };
  expect(read(page).visitor).toEqual({ userKey: null, visitorKey: null });
  expect(read(page, 'page_view', keys).visitor).toEqual(keys);
  expect(read(page, 'login', { visitorKey: '9' }).visitor).toEqual({ ...keys, userKey: null });
  expect(read(page, 'page_view', keys).snapshot).toEqual(read(page).snapshot);
});

function read(
  properties: Properties,
  action: UiSnapshot['action'] = 'page_view',
  keys: Pick<EventEnvelope, 'userKey' | 'visitorKey'> = {},
) {
  const installationId = '70b28f00-e38f-41b2-a723-aab344f535b9';
  const envelope = { receivedAt: 1, product: 'dcos', installationId, event: 'page', properties };
  const { content, defects } = readUiEvent(action)(properties, { ...envelope, ...keys });
  if (content === null || content === 'empty') expect.fail('An event of a UI is never nothing.');
  return { snapshot: content.snapshot as UiSnapshot, visitor: content.visitor, defects };
}
