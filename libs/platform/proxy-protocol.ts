import { isIP, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { AddressList } from './address-list.js';

/**
 * The PROXY protocol, versions 1 and 2: a load balancer that passes TCP through begins each connection
 * with a header that names the client's address.
 * https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
 */
const SIGNATURE_V2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const FIXED_V2_BYTES = 16;
/** The maximum length in version 1, including the line end. */
const MAX_V1_BYTES = 107;
const MAX_V2_BYTES = 2048;
const HEADER_TIMEOUT_MS = 5000;

export type ProxyHeader =
  | { state: 'incomplete' }
  | { state: 'invalid' }
  /** `address` is null for the load balancer's own connections, such as health checks. */
  | { state: 'complete'; length: number; address: string | null };

const INCOMPLETE = { state: 'incomplete' } as const;
const INVALID = { state: 'invalid' } as const;

/** Reads the header at the start of a connection's bytes. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  const start = bytes.subarray(0, SIGNATURE_V2.length);
  if (SIGNATURE_V2.subarray(0, start.length).equals(start)) {
    return start.length < SIGNATURE_V2.length ? INCOMPLETE : parseV2(bytes);
  }
  return parseV1(bytes);
}

/**
 * Expects the header on every connection from a trusted address, before anything else (TLS included).
 * The connection's `remoteAddress` is then the client's. A connection from a trusted address without a
 * valid header is closed; connections from other addresses are left as they are.
 *
 * @param server an HTTP or HTTPS server that has no connection yet
 */
export function acceptProxyProtocol(server: Server, trusted: AddressList): void {
  const listeners = server.listeners('connection') as ((socket: Socket) => void)[];
  const addresses = new Map<string, string>();
  const accept = (socket: Socket) => {
    for (const listener of listeners) listener.call(server, socket);
  };
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    if (!trusted.has(socket.remoteAddress)) {
      accept(socket);
      return;
    }
    const peer = peerOf(socket);
    void readHeader(socket).then((address) => {
      if (socket.destroyed) return;
      if (address !== null) {
        addresses.set(peer, address);
        socket.once('close', () => addresses.delete(peer));
        nameClient(socket, address);
      }
      accept(socket);
    });
  });
  // TLS wraps the connection in another socket with the same peer.
  server.on('secureConnection', (socket: Socket) => {
    const address = addresses.get(peerOf(socket));
    if (address !== undefined) nameClient(socket, address);
  });
}

/** @returns the client's address, or null; destroys the socket if the header is invalid */
async function readHeader(socket: Socket): Promise<string | null> {
  const timeout = setTimeout(() => socket.destroy(), HEADER_TIMEOUT_MS);
  const onError = () => undefined;
  socket.on('error', onError);
  try {
    let bytes = Buffer.alloc(0);
    for (;;) {
      const chunk = socket.read() as Buffer | null;
      if (chunk) bytes = Buffer.concat([bytes, chunk]);
      const header = parseProxyHeader(bytes);
      if (header.state === 'complete') {
        const rest = bytes.subarray(header.length);
        if (rest.length > 0) socket.unshift(rest);
        return header.address;
      }
      if (header.state === 'invalid' || socket.readableEnded || socket.destroyed) break;
      if (!chunk) await Promise.race([once(socket, 'readable'), once(socket, 'close')]);
    }
  } catch {
    // The connection broke.
  } finally {
    clearTimeout(timeout);
    socket.off('error', onError);
  }
  socket.on('error', onError).destroy();
  return null;
}

function parseV1(bytes: Buffer): ProxyHeader {
  const text = bytes.subarray(0, MAX_V1_BYTES).toString('latin1');
  if (!'PROXY '.startsWith(text.slice(0, 6))) return INVALID;
  const end = text.indexOf('\r\n');
  if (end < 0) return text.length < MAX_V1_BYTES ? INCOMPLETE : INVALID;
  const [, protocol, address = ''] = text.slice(0, end).split(' ');
  const length = end + 2;
  if (protocol === 'UNKNOWN') return { state: 'complete', length, address: null };
  const family = { TCP4: 4, TCP6: 6 }[protocol ?? ''];
  if (family === undefined || isIP(address) !== family) return INVALID;
  return { state: 'complete', length, address };
}

function parseV2(bytes: Buffer): ProxyHeader {
  if (bytes.length < FIXED_V2_BYTES) return INCOMPLETE;
  const length = FIXED_V2_BYTES + bytes.readUInt16BE(14);
  const [version, command] = [bytes.readUInt8(12) >> 4, bytes.readUInt8(12) & 0x0f];
  if (version !== 2 || command > 1 || length > MAX_V2_BYTES) return INVALID;
  if (bytes.length < length) return INCOMPLETE;
  const body = bytes.subarray(FIXED_V2_BYTES, length);
  const family = bytes.readUInt8(13) >> 4;
  if (command === 0 || family === 0 || family === 3) {
    return { state: 'complete', length, address: null };
  }
  if (family === 1 && body.length >= 12) {
    return { state: 'complete', length, address: body.subarray(0, 4).join('.') };
  }
  if (family === 2 && body.length >= 36) {
    return { state: 'complete', length, address: ipv6(body.subarray(0, 16)) };
  }
  return INVALID;
}

function ipv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2));
  return groups.map((group) => group.toString(16)).join(':');
}

const peerOf = (socket: Socket) => `${socket.remoteAddress} ${socket.remotePort}`;

const PEER = Symbol('the address that the connection came from');

/** The peer of a connection: the load balancer, if `remoteAddress` is the client that it reported. */
export function peerAddress(socket: Socket & { [PEER]?: string }): string | undefined {
  return socket[PEER] ?? socket.remoteAddress;
}

function nameClient(socket: Socket & { [PEER]?: string }, address: string): void {
  socket[PEER] = socket.remoteAddress ?? '';
  Object.defineProperty(socket, 'remoteAddress', { value: address, configurable: true });
}
