import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { Agent } from 'node:https';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adminScopes, type AdminScope } from '#storage';
import { startAdmin, type Admin } from './support/admin.js';
import { HttpsClient } from './support/https.js';
import { startMuster, SUPPRESSION_KEY, type Muster } from './support/muster.js';

const ID = randomUUID();

/** Either scope is sufficient. */
const LOOK: AdminScope[] = ['operations:read', 'quarantine:write'];

/**
 * Every route, the scopes that allow it (one is enough), and the status it returns to an allowed
 * caller.
 */
const ROUTES: [
  method: string,
  path: string,
  scope: AdminScope | AdminScope[] | null,
  status: number,
][] = [
  ['GET', '/health/live', null, 200],
  ['GET', '/health/ready', null, 200],
  ['GET', '/v1/erasure-key', null, 200],
  ['DELETE', `/v1/installations/${ID}`, 'erasures:write', 202],
  ['POST', '/v1/erasures', 'erasures:write', 400],
  ['GET', '/v1/erasures', 'erasures:write', 200],
  ['GET', `/v1/erasures/${ID}`, 'erasures:write', 404],
  ['GET', `/v1/erasures/${ID}/certificate`, 'erasures:write', 404],
  ['GET', `/v1/installations/${ID}`, 'installations:read', 200],
  ['GET', `/v1/installations/${ID}/export`, 'installations:read', 200],
  ['POST', `/v1/purges/${ID}/retry`, 'erasures:write', 404],
  ['GET', '/v1/queue', 'operations:read', 200],
  ['GET', '/v1/queue/failed', 'operations:read', 200],
  ['POST', '/v1/queue/failed/retry', 'quarantine:write', 200],
  ['GET', '/queues', 'operations:read', 200],
  ['GET', '/v1/balance', 'operations:read', 200],
  ['GET', '/v1/quarantine', LOOK, 200],
  ['GET', '/v1/quarantine/summary', LOOK, 200],
  ['GET', '/v1/quarantine/1', LOOK, 404],
  ['GET', '/v1/quarantine/jobs', LOOK, 200],
  ['GET', `/v1/quarantine/jobs/${ID}`, LOOK, 404],
  ['POST', `/v1/quarantine/jobs/${ID}/retry`, 'quarantine:write', 404],
  ['POST', '/v1/quarantine/replays', 'quarantine:write', 400],
  ['POST', '/v1/quarantine/discards', 'quarantine:write', 400],
  ['GET', '/v1/housekeeping', 'operations:read', 200],
  ['POST', '/v1/keys', 'keys:write', 400],
  ['GET', '/v1/keys', 'keys:write', 200],
  ['POST', `/v1/keys/${ID}/rotate`, 'keys:write', 404],
  ['DELETE', `/v1/keys/${ID}`, 'keys:write', 404],
  ['GET', '/v1/products', ['products:write', 'keys:write', 'operations:read'], 200],
  ['PATCH', '/v1/products/dcos', 'products:write', 400],
  ['POST', '/v1/blocks', 'quarantine:write', 400],
  ['GET', '/v1/blocks', 'quarantine:write', 200],
  ['DELETE', `/v1/blocks/${ID}`, 'quarantine:write', 404],
  ['POST', '/v1/tokens', 'tokens:write', 400],
  ['GET', '/v1/tokens', 'tokens:write', 200],
  ['DELETE', '/v1/tokens/unknown', 'tokens:write', 404],
  ['GET', '/v1/audit', 'operations:read', 200],
];

let muster: Muster;
let admin: Admin;
let client: HttpsClient;
/** A token with each scope alone, and tokens that are refused, by what is wrong with them. */
const tokens = new Map<AdminScope, string>();
const refused = new Map<string, string | null>([
  ['missing', null],
  ['wrong', `mat_${'0'.repeat(40)}`],
]);
let address = 1;
/** Wrong tokens sent from this address. Ten exceed the limit. */
let wrong = 0;

beforeAll(async () => {
  muster = await startMuster({ workers: 0 });
  admin = await startAdmin(muster, { ADMIN_HOST: '127.0.0.1' });
  useNextAddress();
  for (const scope of adminScopes) {
    tokens.set(scope, await admin.tokenFor(scope.replace(':', '-'), [scope]));
  }
  refused.set('expired', await admin.tokenFor('old', adminScopes, -1));
  refused.set('revoked', await admin.tokenFor('gone'));
  await admin.ask('DELETE', '/v1/tokens/gone');
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

const ask = (method: string, path: string, token: string | null) =>
  client.send(method, path, { authorization: token === null ? '' : `Bearer ${token}` });
const asked = async (...request: Parameters<typeof ask>) => (await ask(...request)).status;

describe.each(ROUTES)('%s %s', (method, path, scope, status) => {
  test.each(adminScopes)(
    `allows or refuses a token that has only %s as documented`,
    async (mine) => {
      const isAllowed = scope === null || [scope].flat().includes(mine);
      expect(await asked(method, path, tokens.get(mine)!)).toBe(isAllowed ? status : 403);
    },
  );

  test.each(['missing', 'wrong', 'expired', 'revoked'])(
    'refuses a token that is %s, unless the route is public',
    async (kind) => {
      if ((wrong += 1) > 8) await resetWrongTokens();
      expect(await asked(method, path, refused.get(kind)!)).toBe(scope === null ? status : 401);
    },
  );
});

test('actions are in the audit log with hashed ids, and audit entries cannot be changed or removed', async () => {
  const id = randomUUID();
  const reader = await admin.tokenFor('reader', ['installations:read']);
  await admin.ask('DELETE', `/v1/installations/${id}`);
  await asked('DELETE', `/v1/installations/${id}`, reader);
  const rows = await muster.owner(
    'SELECT actor, act, outcome, length(installation_hash) AS bytes FROM audit_log ORDER BY audit_id DESC LIMIT 2',
  );
  expect(rows).toEqual([
    { actor: 'reader', act: 'erasures:write', outcome: 'refused', bytes: null },
    { actor: 'root', act: 'erasure.request', outcome: 'done', bytes: 32 },
  ]);
  expect(JSON.stringify(await muster.owner('SELECT * FROM audit_log'))).not.toContain(id);
  for (const change of [
    'UPDATE audit_log SET actor = actor',
    'DELETE FROM audit_log',
    'TRUNCATE audit_log',
  ]) {
    await expect(muster.owner(change)).rejects.toThrow('The audit log is only added to');
  }
});

/** Runs `npm run admin-token`. */
const createToken = (...words: string[]) =>
  promisify(execFile)(
    process.execPath,
    ['dist/apps/cli/main.js', 'tokens', 'bootstrap', ...words],
    { env: { PATH: process.env.PATH, DATABASE_URL: muster.databaseUrl, SUPPRESSION_KEY } },
  );

test('the command prints a new token once, records it, and stores only its digest', async () => {
  const { stdout } = await createToken('erika', 'erasures:write');
  const token = stdout.trim();
  expect((await admin.ask('GET', '/v1/audit?limit=1')).json.acts[0]).toMatchObject({
    ...{ actor: 'admin-token', act: 'token.create', detail: { name: 'erika' } },
  });
  expect(await asked('GET', '/v1/erasures', token)).toBe(200);
  expect(await asked('GET', `/v1/installations/${ID}`, token)).toBe(403);
  expect(JSON.stringify(await muster.owner('SELECT * FROM admin_token'))).not.toContain(token);
});

test('the command creates no token with a name that the API refuses', async () => {
  await expect(createToken('Jane Doe')).rejects.toThrow('The name must ');
});

test.each(['Jane Doe', '..', 'start', 'LEDGER', 'installation', 'admin-token'])(
  'the API creates no token with the name %j',
  async (name) => {
    const { status, json } = await admin.ask('POST', '/v1/tokens', { name });
    expect([status, json.path]).toEqual([400, 'name']);
  },
);

/**
 * Wrong tokens are counted by address, in memory. Linux accepts all of 127.0.0.0/8 as local
 * addresses; on other systems a restart of the admin API resets the counters.
 */
async function resetWrongTokens() {
  wrong = 0;
  if (process.platform === 'linux') useNextAddress();
  else await admin.app.stop().then(() => admin.app.start());
}

function useNextAddress() {
  if (process.platform === 'linux') address += 1;
  const agent = new Agent({ localAddress: `127.0.0.${address}`, keepAlive: true });
  client = new HttpsClient(`https://127.0.0.1:${admin.app.ready.port}`, muster.ca, agent);
}
