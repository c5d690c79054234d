import { inject } from 'vitest';
import { AdminStore, adminScopes, type AdminScope } from '#storage';
import type { App } from './app.js';
import { HttpsClient, type Answer } from './https.js';
import { IDENTITY_KEY, SUPPRESSION_KEY, type Muster } from './muster.js';
import { connectionsOf } from './database.js';

type Surroundings<A extends App> = Pick<
  Muster<A>,
  'databaseUrl' | 'appUrl' | 'redisUrl' | 'queuePrefix' | 'ca' | 'agent' | 'newApp'
>;

/** The admin API for a Muster, with tokens. It runs in its own process if the Muster's apps do. */
export async function startAdmin<A extends App>(
  { databaseUrl, appUrl, redisUrl, queuePrefix, ca, agent, newApp }: Surroundings<A>,
  env: Record<string, string> = {},
) {
  const { tls, erasureKeyFile } = inject('services');
  const app = newApp('admin', {
    DATABASE_URL: appUrl,
    REDIS_URL: redisUrl,
    QUEUE_PREFIX: queuePrefix,
    ...{ IDENTITY_KEY, SUPPRESSION_KEY, ERASURE_KEY_FILE: erasureKeyFile },
    ...{ ADMIN_PORT: '0', TLS_CERT_FILE: tls.certFile, TLS_KEY_FILE: tls.keyFile },
    ...env,
  });
  await app.start();
  const store = new AdminStore({
    database: connectionsOf(databaseUrl),
    suppressionKey: SUPPRESSION_KEY,
  });
  const client = new HttpsClient(`https://localhost:${app.ready.port}`, ca, agent);
  const tokenFor = (name: string, scopes: readonly AdminScope[] = adminScopes, lifeMs?: number) =>
    store.createToken(name, scopes, { actor: 'test', lifeMs });
  const token = await tokenFor('root');
  /** Sends a request with a token that has every scope, unless headers are given. */
  const ask = (
    method: string,
    path: string,
    body?: object | string,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const isText = typeof body === 'string';
    const type =
      body === undefined ? {} : { 'content-type': isText ? 'text/csv' : 'application/json' };
    const text = isText || !body ? body : JSON.stringify(body);
    // Node's client sends a DELETE body without Content-Length.
    const length = text === undefined ? {} : { 'content-length': String(Buffer.byteLength(text)) };
    const all = { authorization: `Bearer ${token}`, ...type, ...length, ...headers };
    return client.send(method, path, all, text);
  };
  return {
    ...{ app, store, client, ask, tokenFor, token },
    stop: async () => {
      await app.stop();
    },
  };
}

export type Admin<A extends App = App> = Awaited<ReturnType<typeof startAdmin<A>>>;
