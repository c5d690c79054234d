import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivateFile } from '#devservers';

/** The content of endpoints.json. Scripts rely on these names. */
export interface Endpoints {
  ingestUrl: string;
  adminUrl: string;
  databaseUrl: string;
  analystUrl: string;
  redisUrl: string;
  /** product → key */
  writeKeys: Record<string, string>;
  /** Has every scope. */
  adminToken: string;
  /** The CA certificate that clients must trust. */
  caFile: string;
  /** process → URL of its metrics, for Prometheus */
  metricsUrls: Record<string, string>;
}

export const endpointsFile = (dataDir: string) => join(dataDir, 'endpoints.json');

/** @returns a function that removes the file */
export async function publishEndpoints(
  dataDir: string,
  endpoints: Endpoints,
): Promise<() => Promise<void>> {
  const file = endpointsFile(dataDir);
  await writePrivateFile(file, `${JSON.stringify(endpoints, null, 2)}\n`);
  return () => rm(file, { force: true });
}

/**
 * Adds the user name `default` to a Redis URL with a password only. Without it, redis-cli of Redis 7 sends an empty
 * user name, which Redis rejects (WRONGPASS).
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

/** The host to connect to for a listen address. A wildcard address such as 0.0.0.0 becomes localhost. */
export function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
