import type { FastifyRequest } from 'fastify';
import { expect, test } from 'vitest';
import { clientAddressOf } from './client-address.js';

const from = (ip: string) => clientAddressOf({ ip } as FastifyRequest);

test('a client is known by its IPv4 address, also where a dual-stack socket maps it', () => {
  expect(from('192.0.2.7')).toBe('192.0.2.7');
  expect(from('::ffff:192.0.2.7')).toBe('192.0.2.7');
});

test('a client is known by its IPv6 network, whichever address of it is used', () => {
  expect(from('2001:db8::1')).toBe(from('2001:db8:0:0:ffff::9'));
  expect(from('2001:db8:0:1::1')).not.toBe(from('2001:db8::1'));
});
