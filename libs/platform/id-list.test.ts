import { expect, test } from 'vitest';
import { parseIdList } from './id-list.js';

test('a list of ids may have a header line, quoted cells, further columns and empty lines', () => {
  const text = '\ufeffInstallation id,name\r\n"id-1",first\r\n\r\n id-2 ,"a, b"\r\nid-3\r\n';
  expect(parseIdList(text)).toEqual(['id-1', 'id-2', 'id-3']);
});

test('a list without a header line begins with its first id', () => {
  expect(parseIdList('"70b28f00-e38f-41b2-a723-aab344f535b9"')).toEqual([
    '70b28f00-e38f-41b2-a723-aab344f535b9',
  ]);
  expect(parseIdList('\n\n')).toEqual([]);
});
