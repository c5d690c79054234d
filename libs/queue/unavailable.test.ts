import { expect, test } from 'vitest';
import { asUnavailable, isPassing } from './unavailable.js';

test.each([
  ['memory', "OOM command not allowed when used memory > 'maxmemory'."],
  ['memory', 'ERR Error running script: -OOM command not allowed @user_script: 1'],
  ['read_only', "READONLY You can't write against a read only replica."],
  ['no_replicas', 'NOREPLICAS Not enough good replicas to write.'],
  ['wrong_node', 'MOVED 15495 10.0.0.7:6379'],
  ['wrong_node', "CROSSSLOT Keys in request don't hash to the same slot"],
  ['cluster_down', 'CLUSTERDOWN Hash slot not served'],
  ['cluster_down', 'TRYAGAIN Multiple keys request during rehashing of slot'],
  ['not_allowed', 'NOAUTH Authentication required.'],
  ['not_allowed', "NOPERM this user has no permissions to run the 'hset' command"],
  ['not_allowed', "ERR The user executing the script can't run this command or subcommand"],
  ['loading', 'LOADING Redis is loading the dataset in memory'],
  ['not_saved', 'MISCONF Redis is configured to save RDB snapshots, but is unable to persist'],
  ['unreachable', 'connect ECONNREFUSED 127.0.0.1:6379'],
])('Redis is %s when it answers %s', (reason, message) => {
  const cause = new Error(message);
  const unavailable = asUnavailable(cause);
  expect(unavailable).toMatchObject({ reason, cause });
  // What Redis says may name keys and addresses; the sentence is ours.
  expect(unavailable.message).not.toContain(message);
});

test.each([
  ["READONLY You can't write against a read only replica.", true],
  ['NOREPLICAS Not enough good replicas to write.', true],
  ['CLUSTERDOWN The cluster is down', true],
  ['TRYAGAIN Multiple keys request during rehashing of slot', true],
  ['LOADING Redis is loading the dataset in memory', true],
  ['connect ECONNREFUSED 127.0.0.1:6379', true],
  ['MOVED 15495 10.0.0.7:6379', false],
  ["OOM command not allowed when used memory > 'maxmemory'.", false],
])('a failover may end the state behind %j: %s', (message, isHeld) => {
  expect(isPassing(asUnavailable(new Error(message)))).toBe(isHeld);
});
