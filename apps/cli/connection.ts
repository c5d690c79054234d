import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandSettings } from '#platform';
import { AdminApi } from './admin-api.js';
import { Failure } from './outcome.js';

/** What `npm start` leaves for scripts, as far as commands need it. */
interface Endpoints {
  adminUrl: string;
  adminToken: string;
  databaseUrl: string;
  caFile: string;
}

/**
 * The admin API: where ADMIN_URL, ADMIN_TOKEN and ADMIN_CA_FILE say, or else the one that `npm start`
 * runs here. @throws Failure where there is neither
 */
export async function connectAdmin(): Promise<AdminApi> {
  const { adminUrl, adminToken, adminCaFile, dataDir } = commandSettings();
  if (adminUrl !== undefined) {
    if (adminToken === undefined) throw new Failure('ADMIN_URL is set, and ADMIN_TOKEN is not.');
    const ca = adminCaFile === undefined ? undefined : await readText(adminCaFile);
    return new AdminApi({ url: adminUrl, token: adminToken, ca });
  }
  const started = await readEndpoints(dataDir);
  const ca = await readText(adminCaFile ?? started.caFile);
  return new AdminApi({ url: started.adminUrl, token: adminToken ?? started.adminToken, ca });
}

/** The database of DATABASE_URL, or else that of `npm start`. @throws Failure where there is neither */
export async function findDatabase(): Promise<string> {
  const { databaseUrl, dataDir } = commandSettings();
  return databaseUrl ?? (await readEndpoints(dataDir)).databaseUrl;
}

async function readEndpoints(dataDir: string): Promise<Endpoints> {
  const file = join(dataDir, 'endpoints.json');
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Endpoints;
  } catch (cause) {
    throw new Failure(
      `There is no ${file}, so nothing runs here. Run npm start, or set ADMIN_URL, ADMIN_TOKEN and ADMIN_CA_FILE (or DATABASE_URL, for what asks the database).`,
      { cause },
    );
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new Failure(`${file} cannot be read.`, { cause });
  }
}
