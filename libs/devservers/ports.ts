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

/** @throws StartupError if a server could not listen there; the message names the `setting` of the port */
export async function ensurePortFree(host: string, port: number, setting: string): Promise<void> {
  const addresses = await lookup(host, { all: true }).catch(() => [{ address: host }]);
  for (const { address } of addresses) {
    const code = await listenError(address, port);
    if (code === undefined) continue;
    const reason =
      code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be listened on (${code})`;
    throw new StartupError(
      `Port ${port} of ${host} ${reason}; set ${setting} to a free one, or to 0 for any.`,
    );
  }
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
