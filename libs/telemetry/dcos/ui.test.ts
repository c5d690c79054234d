import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { UiSnapshot } from '../report.js';
import type { Properties } from '../vocabulary.js';
import { readUiEvent } from './ui.js';

describe('a page view', () => {
  test('is its path and the version of the UI', () => {
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
      action: 'page_view',
      path: '/services/detail/[id]',
      appVersion: '1.10.0',
    });
    expect(defects).toEqual([]);
  });

  test('keeps nothing of its query and its fragment', () => {
    const paths = fc.stringMatching(/^\/[a-z/[\]%-]{0,40}$/);
    const lineEnds = fc.constantFrom('\n', '\r', '\u0085', '\u2028', '\u2029');
    const rests = fc.array(fc.oneof(fc.string({ unit: 'binary' }), lineEnds), { maxLength: 9 });
    fc.assert(
      fc.property(paths, fc.constantFrom('?', '#'), rests, (path, mark, rest) => {
        const sent = `${path}${mark}${rest.join('')}`.slice(0, 256);
        expect(read({ path: sent }).snapshot).toEqual(read({ path }).snapshot);
        expect(read({ path: sent }).snapshot.path).toBe(path);
      }),
    );
  });

  test('is understood when its fields are null or missing', () => {
    for (const sent of [{ path: null, appVersion: null }, {}]) {
      const { snapshot, defects } = read(sent);
      expect(snapshot).toMatchObject({ path: '', appVersion: '' });
      expect(defects).toEqual([]);
    }
  });

  test('keeps the one field when the other is nonsense', () => {
    const tooLong = read({ path: 'x'.repeat(257), appVersion: '1' });
    expect(tooLong.snapshot).toMatchObject({ path: '', appVersion: '1' });
    expect(tooLong.defects).toEqual([{ path: 'path', reason: 'too_long' }]);
    const noText = read({ path: '/', appVersion: 7 });
    expect(noText.snapshot).toMatchObject({ path: '/', appVersion: '' });
    expect(noText.defects).toEqual([{ path: 'appVersion', reason: 'not_text' }]);
    expect(read({ path: `/${'x'.repeat(255)}`, appVersion: 'x'.repeat(64) }).defects).toEqual([]);
    expect(read({ appVersion: 'x'.repeat(65) }).defects).toHaveLength(1);
  });

  test('loses what would steer a terminal', () => {
    const { snapshot } = read({ path: ' /no\u0000des\u001b\ud83d\n', appVersion: '1\u0007' });
    expect(snapshot).toMatchObject({ path: '/nodes\ufffd', appVersion: '1' });
  });
});

test('every action, path and version has a snapshot of its own, and nothing else does', () => {
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

function read(sent: Properties, action: UiSnapshot['action'] = 'page_view') {
  const { content, defects } = readUiEvent(action)(sent);
  return { snapshot: content!.snapshot as UiSnapshot, defects };
}
