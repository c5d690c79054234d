import pg from 'pg';
import { expect, test } from 'vitest';
import { causeOf, ClaimLost, DependencyFailed, RowsRemain } from './failure.js';

function withCode(code: string): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError('no', 0, 'error'), { code, severity: 'ERROR' });
}

test.each([
  ['a connection that an administrator ended', withCode('57P01'), 'dependency'],
  ['a closed connection', new Error('Client was closed and is not queryable'), 'dependency'],
  ['a full disk', withCode('53100'), 'dependency'],
  ['a deadlock', withCode('40P01'), 'dependency'],
  ['the queue', new DependencyFailed('queue_unavailable', {}), 'dependency'],
  ['a lost claim', new ClaimLost(), 'dependency'],
  ['a lock timeout', withCode('55P03'), 'unclear'],
  ['an unknown error', new Error('no'), 'unclear'],
  ['a data exception', withCode('22003'), 'work'],
  ['rows that remain', new RowsRemain('no'), 'work'],
] as const)('the cause of a failure on %s', (_, error, cause) => {
  expect(causeOf(error)).toBe(cause);
});
