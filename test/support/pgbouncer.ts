import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { findFreePort, ensurePostgresUser, runAs, startService } from '#devservers';
import { findPgbouncer } from '../../tools/install/ensure-pgbouncer.mjs';
import { placesOf } from './services.js';

/** A PgBouncer in transaction mode in front of a server, with few server connections. */
export async function startPgbouncer(serverUrl: string, users: Record<string, string>) {
  const program = findPgbouncer();
  if (program === undefined)
    throw new Error('PgBouncer is missing. Run npm test, which installs it.');
  const dir = await mkdtemp(join(tmpdir(), 'muster-pgbouncer-'));
  const port = await findFreePort();
  await writeFile(join(dir, 'pgbouncer.ini'), configurationOf(serverUrl, port, dir));
  const lines = Object.entries(users).map(([name, password]) => `"${name}" "${password}"`);
  await writeFile(join(dir, 'users.txt'), lines.join('\n'));
  const user = await ensurePostgresUser([dir]);
  if (user.ids) {
    await chmod(dir, 0o711);
    for (const file of ['pgbouncer.ini', 'users.txt']) {
      await chown(join(dir, file), user.ids.uid, user.ids.gid);
    }
  }
  const { logFile, pidFile } = placesOf(dir, 'pgbouncer');
  const service = await startService({
    ...runAs(user, program, [join(dir, 'pgbouncer.ini')]),
    ...{ logFile, pidFile, stopSignals: [['SIGINT', 3000], ['SIGKILL', 2000]] }, // prettier-ignore
  });
  const urlOf = (databaseUrl: string) => {
    const url = new URL(databaseUrl);
    url.port = String(port);
    return url.href;
  };
  await untilAnswering(urlOf(serverUrl));
  return {
    urlOf,
    stop: async () => {
      await service.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function configurationOf(serverUrl: string, port: number, dir: string): string {
  const server = new URL(serverUrl);
  return `
[databases]
* = host=127.0.0.1 port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${join(dir, 'users.txt')}
pool_mode = transaction
default_pool_size = 12
max_client_conn = 200
`;
}

async function untilAnswering(connectionString: string): Promise<void> {
  const giveUpAt = Date.now() + 15_000;
  for (;;) {
    const client = new pg.Client({ connectionString });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await client.end();
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
      await sleep(100);
    }
  }
}
