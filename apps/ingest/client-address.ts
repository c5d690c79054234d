import { isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';

/**
 * The address that a request comes from, for limits. Of an IPv6 address, only the network (/64): one
 * machine can use any address in it.
 */
export function clientAddressOf(request: FastifyRequest): string {
  // Fastify's, which believes X-Forwarded-For of trusted proxies only.
  const address = request.ip.replace(/^::ffff:/, '');
  return isIPv6(address) ? networkOf(address) : address;
}

function networkOf(address: string): string {
  const [before = '', after] = address.split('::', 2);
  const head = before.split(':').filter(Boolean);
  const tail = after?.split(':').filter(Boolean) ?? [];
  const zeros = after === undefined ? 0 : 8 - head.length - tail.length;
  return [...head, ...Array<string>(zeros).fill('0'), ...tail].slice(0, 4).join(':');
}
