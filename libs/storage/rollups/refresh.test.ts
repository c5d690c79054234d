import { expect, test } from 'vitest';
import { RefreshIncomplete } from './refresh.js';

test('an incomplete refresh has a name that a bundler keeps: it is the code of the failed run', () => {
  expect(Object.hasOwn(new RefreshIncomplete('no'), 'name')).toBe(true);
});
