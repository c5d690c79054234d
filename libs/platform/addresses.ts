import ipaddr from 'ipaddr.js';

/**
 * The key by which requests of a client address are counted: an IPv4 address, or the /64 network of an IPv6 address,
 * because one host may own a whole /64. Invalid addresses, which a trusted proxy may pass on, become `unknown`.
 */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  return `${parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
