import { expect, test } from 'vitest';
import { redisCliUrl, urlAs, urlHost } from './endpoints.js';

test.each([
  ['redis://:pw@redis:6379/0', 'redis://default:pw@redis:6379/0'],
  ['rediss://:p%40w@redis:6380/1', 'rediss://default:p%40w@redis:6380/1'],
  ['redis://me:pw@redis:6379/0', 'redis://me:pw@redis:6379/0'],
  ['redis://redis:6379/0', 'redis://redis:6379/0'],
])('the Redis URL %s for redis-cli is %s', (url, expected) => {
  expect(redisCliUrl(url)).toBe(expected);
});

test('the database URL of another user keeps the place and the parameters', () => {
  expect(urlAs('postgres://me:old@db:5433/muster?sslmode=require', 'analyst', 'a:b')).toBe(
    'postgres://analyst:a%3Ab@db:5433/muster?sslmode=require',
  );
});

test.each([
  ['0.0.0.0', 'localhost'],
  ['::', 'localhost'],
  ['::1', '[::1]'],
  ['192.168.1.5', '192.168.1.5'],
  ['muster.example', 'muster.example'],
])('clients of the listen address %s connect to %s', (host, expected) => {
  expect(urlHost(host)).toBe(expected);
});
