import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivately } from '#devservers';

/** Where everything is, for scripts. Its names are a promise. */
export interface Endpoints {
  ingestUrl: string;
  adminUrl: string;
  databaseUrl: string;
  analystUrl: string;
  redisUrl: string;
  /** product → key */
  writeKeys: Record<string, string>;
  /** Of every scope. */
  adminToken: string;
  /** What a client must trust to talk to us. */
  caFile: string;
}

export const endpointsFile = (dataDir: string) => join(dataDir, 'endpoints.json');

/** @returns a function that removes the file */
export async function publishEndpoints(
  dataDir: string,
  endpoints: Endpoints,
): Promise<() => Promise<void>> {
  const file = endpointsFile(dataDir);
  await writePrivately(file, `${JSON.stringify(endpoints, null, 2)}\n`);
  return () => rm(file, { force: true });
}

/**
 * A Redis URL as redis-cli understands it: with a password but no user name, redis-cli of Redis 7
 * sends an empty user name, which Redis refuses (WRONGPASS).
 */
export function redisCliUrl(redisUrl: string): string {
  const url = new URL(redisUrl);
  if (url.username === '' && url.password !== '') url.username = 'default';
  return url.href;
}

/** The same database for another user. */
export function urlAs(databaseUrl: string, user: string, password: string): string {
  const url = new URL(databaseUrl);
  url.username = user;
  url.password = password;
  return url.href;
}

/** A host that is no address to connect to, such as 0.0.0.0, is this machine. */
export function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
