import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandSettings, type Environment } from '#platform';
import { AdminApi } from './admin-api.js';
import { codeOf, Failure } from './outcome.js';

/** The fields of endpoints.json that commands need. */
interface Endpoints {
  adminUrl: string;
  adminToken: string;
  databaseUrl: string;
  caFile: string;
}

/**
 * Connects to the admin API at ADMIN_URL, or to the one that `npm start` runs on this machine.
 * @param env default: this process's environment
 * @throws Failure if neither is found
 */
export async function connectAdmin(env?: Environment): Promise<AdminApi> {
  const { adminUrl, adminToken, adminCaFile, dataDir } = commandSettings(env);
  if (adminUrl !== undefined) {
    if (adminToken === undefined)
      throw new Failure('ADMIN_URL is set, but ADMIN_TOKEN is not. Set both.');
    const ca = adminCaFile === undefined ? undefined : await readText(adminCaFile);
    return new AdminApi({ url: adminUrl, token: adminToken, ca });
  }
  const started = await readEndpoints(dataDir);
  const { adminUrl: url } = started;
  const ca = url.startsWith('https:') ? await readText(adminCaFile ?? started.caFile) : undefined;
  return new AdminApi({ url, token: adminToken ?? started.adminToken, ca });
}

/** @returns DATABASE_URL, or the URL of the database of `npm start`. @throws Failure if neither is found */
export async function findDatabase(env?: Environment): Promise<string> {
  const { databaseUrl, dataDir } = commandSettings(env);
  return databaseUrl ?? (await readEndpoints(dataDir)).databaseUrl;
}

async function readEndpoints(dataDir: string): Promise<Endpoints> {
  const file = join(dataDir, 'endpoints.json');
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Endpoints;
  } catch (cause) {
    throw new Failure(
      `Cannot read ${file} (${codeOf(cause)}): Muster does not run in this folder. Run npm start, or set ADMIN_URL, ADMIN_TOKEN and ADMIN_CA_FILE (DATABASE_URL for export and rollup).`,
      { cause },
    );
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new Failure(`Cannot read ${file} (${codeOf(cause)}).`, { cause });
  }
}
