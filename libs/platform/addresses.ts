import ipaddr from 'ipaddr.js';

/**
 * Who a client address stands for where requests are counted by it: an IPv4 address, or the /64 network
 * of an IPv6 address, which a single host may have to itself.
 */
export function networkOf(address: string): string {
  // A trusted proxy may pass on anything.
  if (!ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  return `${parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
