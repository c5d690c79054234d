import { tokenSettings, type Environment } from '#platform';
import { AdminStore, adminScopes, Database, tokenNameProblem } from '#storage';
import { Failure } from '../outcome.js';

const DAY_MS = 86_400_000;

/**
 * Creates a token in the database, for an installation of Muster that has no token yet.
 * @param named its scopes; none for all of them
 * @param days until it expires; undefined for never
 * @throws Failure if the name or a scope is invalid
 */
export async function createToken(
  { name, named, days }: { name: string; named: readonly string[]; days?: number | undefined },
  env?: Environment,
): Promise<string> {
  const unknown = named.find((scope) => !adminScopes.some((it) => it === scope));
  if (unknown !== undefined) {
    throw new Failure(`Unknown scope ${unknown}. Scopes: ${adminScopes.join(', ')}.`);
  }
  const problem = tokenNameProblem(name);
  if (problem !== null) throw new Failure(`The ${problem}.`);
  const scopes = named.length === 0 ? adminScopes : adminScopes.filter((it) => named.includes(it));
  const lifeMs = days === undefined ? undefined : days * DAY_MS;
  const { databaseUrl, suppressionKey } = tokenSettings(env);
  const database = new Database({ databaseUrl, name: 'muster-admin-token', connections: 2 });
  const store = new AdminStore({ database, suppressionKey });
  try {
    return await store.createToken(name, scopes, { actor: 'admin-token', lifeMs });
  } finally {
    await database.close();
  }
}
