import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { WriteKeys } from './write-keys.js';

const digestOf = (key: string) => hash('sha256', key, 'hex');
const keys = new WriteKeys(new Map([[digestOf('configured'), 'dcos']]));
const productOf = (key: string) => keys.senderOf(key)?.product ?? null;

const decide = (key: string, endsAt: number | null, product = 'octopus') =>
  keys.decide([{ digest: digestOf(key), product, endsAt }]);

test('a key is known by its digest, from the settings or by what was decided', () => {
  expect(productOf('configured')).toBe('dcos');
  expect(productOf('decided')).toBe(null);
  decide('decided', null);
  expect(productOf('decided')).toBe('octopus');
  expect(productOf('configured')).toBe('dcos');
  expect(productOf(digestOf('decided'))).toBe(null);
});

test('a key works until it ends', () => {
  decide('decided', Date.now() + 60_000);
  expect(productOf('decided')).toBe('octopus');
  decide('decided', Date.now());
  expect(productOf('decided')).toBe(null);
});

test('what was decided of a key counts, whatever the settings say', () => {
  decide('configured', 0, 'dcos');
  expect(productOf('configured')).toBe(null);
  keys.decide([]);
  expect(productOf('configured')).toBe('dcos');
});
