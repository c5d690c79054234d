import { lookup } from 'node:dns/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { StartupError } from '#platform';
import { readIfExists, writePrivateFile } from './private-file.js';

const LOOPBACK = '127.0.0.1';

/** Below the ephemeral ports, which an outgoing connection could take at any time. */
const FIRST = 15_000;
const LAST = 31_999;

/** @returns an unused loopback port */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if ((await listenError(LOOPBACK, port)) === undefined) return port;
  }
}

/**
 * Assigns a free loopback port to each name: the previous one if possible, so that saved URLs stay valid.
 */
export async function assignPorts<const N extends string>(
  dataDir: string,
  names: readonly N[],
): Promise<Record<N, number>> {
  const file = join(dataDir, 'ports.json');
  const before = parse(await readIfExists(file));
  const ports: Record<string, number> = {};
  for (const name of names) {
    const port = before[name];
    const isFree = port !== undefined && (await listenError(LOOPBACK, port)) === undefined;
    ports[name] = isFree ? port : await findFreePort();
  }
  await writePrivateFile(file, `${JSON.stringify({ ...before, ...ports }, null, 2)}\n`);
  return ports;
}

/** A broken file counts as missing: keeping ports is only a convenience. */
function parse(text = '{}'): Record<string, number | undefined> {
  try {
    return JSON.parse(text) as Record<string, number>;
  } catch {
    return {};
  }
}

/** An address that this machine does not have, such as ::1 without IPv6. */
const MISSING_ADDRESS = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'];

/**
 * Checks that a server can listen on a port of all addresses of a host that this machine has.
 *
 * @param settings the names of the settings that contain the host and the port, for the message
 * @throws StartupError
 */
export async function ensurePortFree(
  host: string,
  port: number,
  settings: { host: string; port: string },
  resolve: (host: string) => Promise<{ address: string }[]> = (name) => lookup(name, { all: true }),
): Promise<void> {
  const addresses = await resolve(host).catch(() => [{ address: host }]);
  const codes = await Promise.all(addresses.map(({ address }) => listenError(address, port)));
  const failures = codes.filter((code) => code !== undefined);
  const decisive = failures.filter((code) => !MISSING_ADDRESS.includes(code));
  // A missing address matters only if the host has no other.
  const code = decisive[0] ?? (failures.length === codes.length ? failures[0] : undefined);
  if (code !== undefined) throw new StartupError(refusal(host, port, settings, code));
}

function refusal(
  host: string,
  port: number,
  settings: { host: string; port: string },
  code: string,
): string {
  if (code === 'EADDRINUSE') {
    return `Port ${port} of ${host} is in use by another program; set ${settings.port} to a free one, or to 0 for any.`;
  }
  if (code === 'EACCES') {
    return `Port ${port} of ${host} cannot be listened on (EACCES); set ${settings.port} to another, such as one above 1023.`;
  }
  return `This machine cannot listen on ${host} (${code}); set ${settings.host} to a name or address that it has.`;
}

function listenError(address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    server.listen({ host: address, port, exclusive: true }, () => {
      server.close(() => resolve(undefined));
    });
  });
}
