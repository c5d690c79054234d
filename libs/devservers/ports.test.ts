import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { StartupError } from '#platform';
import { ensurePortFree, findFreePort } from './ports.js';

const SETTINGS = { host: 'INGEST_HOST', port: 'INGEST_PORT' };
/** A documentation address (RFC 5737), which no machine has. */
const ABSENT = '192.0.2.1';

/** Checks a free port of a host with these addresses. */
async function checkHost(...addresses: string[]): Promise<void> {
  const resolve = async () => addresses.map((address) => ({ address }));
  await ensurePortFree('example', await findFreePort(), SETTINGS, resolve);
}

test('an address that this machine does not have is ignored if the host has another', async () => {
  await expect(checkHost('127.0.0.1', ABSENT)).resolves.toBeUndefined();
  await expect(checkHost(ABSENT, '127.0.0.1')).resolves.toBeUndefined();
});

test('a host without an address of this machine is refused, with the setting of the host', async () => {
  await expect(checkHost(ABSENT)).rejects.toThrow(
    'This machine cannot listen on example (EADDRNOTAVAIL); set INGEST_HOST to',
  );
});

test('a host name that does not exist is refused, with the setting of the host', async () => {
  const refused = ensurePortFree('absent.invalid', await findFreePort(), SETTINGS);
  await expect(refused).rejects.toThrow(StartupError);
  await expect(refused).rejects.toThrow(
    /^This machine cannot listen on absent\.invalid \(E\w+\); set INGEST_HOST to/,
  );
});

test('a used port is refused, with the setting of the port, even if another address is free', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const resolve = async () => [{ address: ABSENT }, { address: '127.0.0.1' }];
  await expect(ensurePortFree('example', port, SETTINGS, resolve)).rejects.toThrow(
    `Port ${port} of example is in use by another program; set INGEST_PORT to`,
  );
  server.close();
});
