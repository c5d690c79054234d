import { adminScopes, AdminStore, Database } from '#storage';
import { replaceAdminToken, type Secrets } from './secrets.js';

interface AdministratorOptions {
  databaseUrl: string;
  suppressionKey: string;
  dataDir: string;
  secrets: Secrets;
}

/**
 * Creates the first administrator, who has every scope. The token stays the same across starts, until it is revoked.
 *
 * @returns the token
 */
export async function ensureAdministrator({
  databaseUrl,
  suppressionKey,
  dataDir,
  secrets,
}: AdministratorOptions): Promise<string> {
  const database = new Database({ databaseUrl, name: 'muster-start', connections: 2 });
  const store = new AdminStore({ database, suppressionKey });
  try {
    const isRevoked = await store.isRevoked(secrets.adminToken);
    // Saved first: a token that is only in the database would be replaced by the revoked one.
    const token = isRevoked ? await replaceAdminToken(dataDir, secrets) : secrets.adminToken;
    return await store.createToken('start', adminScopes, { actor: 'start', token });
  } finally {
    await database.close();
  }
}
