import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adminScopes, scopeMeanings, type AdminScope } from '#storage';
import { startAdmin, type Admin } from './support/admin.js';
import { commandLine } from './support/command-line.js';
import { startMuster, SUPPRESSION_KEY, type Muster } from './support/muster.js';

let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true, workers: 0 });
  admin = await startAdmin(muster);
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const without = (...scopes: AdminScope[]) => adminScopes.filter((it) => !scopes.includes(it));

/** Sends a request with a new token that has these scopes. */
async function askWith(scopes: AdminScope[], method: string, path: string, body?: object) {
  const token = await admin.tokenFor(`asker-${randomUUID()}`, scopes);
  return admin.ask(method, path, body, bearer(token));
}

const lastAuditEntry = async () => (await admin.ask('GET', '/v1/audit?limit=1')).json.acts[0];

describe('a token', () => {
  test.each(adminScopes)('that lacks %s cannot revoke a token that has it', async (scope) => {
    const name = `target-${randomUUID()}`;
    const target = await admin.tokenFor(name, [...new Set<AdminScope>([scope, 'keys:write'])]);
    const mine: AdminScope[] = scope === 'tokens:write' ? [] : without(scope);
    const ended = await askWith(mine, 'DELETE', `/v1/tokens/${name}`);
    expect(ended).toMatchObject({ status: 403, json: { code: 'forbidden' } });
    const still = await admin.ask('GET', '/v1/keys', undefined, bearer(target));
    expect(still.status).toBe(200);
    if (scope === 'tokens:write') return;
    expect(await lastAuditEntry()).toMatchObject({ act: 'token.revoke', outcome: 'refused' });
    expect(await askWith([...adminScopes], 'DELETE', `/v1/tokens/${name}`)).toMatchObject({
      ...{ status: 200, json: { token: { revokedAt: expect.any(String) } } },
    });
  });

  test.each(without('tokens:write'))('that lacks %s cannot grant it', async (scope) => {
    const body = { name: `new-${randomUUID()}`, scopes: [scope] };
    const made = await askWith(without(scope), 'POST', '/v1/tokens', body);
    expect(made).toMatchObject({ status: 403, json: { path: 'scopes' } });
    expect(await lastAuditEntry()).toMatchObject({ act: 'token.create', outcome: 'refused' });
  });

  test('with only keys:write can manage neither tokens nor products', async () => {
    for (const [method, path, body] of [
      ['POST', '/v1/tokens', { name: 'mine' }],
      ['GET', '/v1/tokens', undefined],
      ['DELETE', '/v1/tokens/root', undefined],
      ['PATCH', '/v1/products/dcos', { limits: { eventsPerMinutePerKey: 1 } }],
    ] as const) {
      const { status } = await askWith(['keys:write'], method, path, body);
      expect([method, path, status]).toEqual([method, path, 403]);
    }
    expect((await askWith(['keys:write'], 'GET', '/v1/products')).status).toBe(200);
  });
});

describe('a product change that removes stored data needs erasures:write', () => {
  const change = (body: object, ...more: AdminScope[]) =>
    askWith(['products:write', ...more], 'PATCH', '/v1/products/dcos', body);
  const decide = (retentionDays: number | null, selfErasure = false) =>
    admin.ask('PATCH', '/v1/products/dcos', { retentionDays, selfErasure });

  test.each([
    [90, { retentionDays: 89 }],
    [90, { retentionDays: 1, limits: { eventsPerMinutePerKey: 1 } }],
    [90, { retentionDays: null }],
    [null, { retentionDays: 36_500 }],
    [90, { selfErasure: true }],
  ] as const)('with retention %s: changing %j', async (before, body) => {
    await decide(before);
    const refused = await change(body);
    expect(refused).toMatchObject({ status: 403, json: { code: 'forbidden' } });
    expect(await lastAuditEntry()).toMatchObject({
      ...{ act: 'product.change', outcome: 'refused', detail: { product: 'dcos', ...body } },
    });
    const { json } = await admin.ask('GET', '/v1/products');
    expect(json.products.find((it: { product: string }) => it.product === 'dcos')).toMatchObject({
      ...{ retentionDays: before, selfErasure: false, limits: { eventsPerMinutePerKey: null } },
    });
    const { status, json: done } = await change(body, 'erasures:write');
    expect([status, done.product]).toMatchObject([200, body]);
    await admin.ask('PATCH', '/v1/products/dcos', { limits: { eventsPerMinutePerKey: null } });
  });

  test.each([
    [90, false, { retentionDays: 91 }],
    [90, false, { retentionDays: 90 }],
    [null, false, { retentionDays: null }],
    [90, true, { selfErasure: false }],
    [90, true, { selfErasure: true }],
    [90, false, { limits: { eventsPerMinutePerInstallation: 5 } }],
  ] as const)(
    'other changes do not: with retention %s and self-erasure %s, changing %j',
    async (days, isOn, body) => {
      await decide(days, isOn);
      expect((await change(body)).status).toBe(200);
    },
  );
});

test('an audit entry has the name and the id of the token, in the API and in the database', async () => {
  const { json } = await admin.ask('POST', '/v1/tokens', { name: 'named' });
  const headers = bearer(json.secret);
  await admin.ask('POST', '/v1/keys', { product: 'dcos' }, headers);
  expect(await lastAuditEntry()).toMatchObject({
    ...{ act: 'key.create', actor: 'named', actorId: json.token.id },
  });
  await admin.ask('DELETE', `/v1/installations/${randomUUID()}`, undefined, headers);
  expect(await lastAuditEntry()).toMatchObject({ act: 'erasure.request', actorId: json.token.id });
  await admin.ask('DELETE', '/v1/tokens/named');
  expect(await lastAuditEntry()).toMatchObject({
    ...{ act: 'token.revoke', actor: 'root', detail: { name: 'named', tokenId: json.token.id } },
  });
});

test('a token that replaces one with the same name gets a new id, and the same token keeps its id', async () => {
  const idOf = async () =>
    (await muster.owner(`SELECT token_id FROM admin_token WHERE name = 'again'`))[0]?.token_id;
  const token = await admin.tokenFor('again');
  const first: unknown = await idOf();
  await admin.store.createToken('again', adminScopes, { actor: 'test', token });
  expect(await idOf()).toBe(first);
  await admin.tokenFor('again');
  expect(await idOf()).not.toBe(first);
});

test('a token that replaces one whose name differs in case only keeps the stored name', async () => {
  const old = await admin.tokenFor('Alice');
  const token = await admin.tokenFor('alice');
  expect((await admin.ask('GET', '/v1/keys', undefined, bearer(old))).status).toBe(401);
  expect((await admin.ask('GET', '/v1/keys', undefined, bearer(token))).status).toBe(200);
  const names = await muster.owner(`SELECT name FROM admin_token WHERE lower(name) = 'alice'`);
  expect(names).toEqual([{ name: 'Alice' }]);
});

test('creating a token again as it is adds no audit entry', async () => {
  const token = await admin.tokenFor('same');
  const before = await lastAuditEntry();
  expect(before).toMatchObject({ act: 'token.create', detail: { name: 'same' } });
  await admin.store.createToken('same', adminScopes, { actor: 'test', token });
  expect(await lastAuditEntry()).toEqual(before);
});

test('a token of an earlier release can be revoked, whatever its name, and in any case', async () => {
  for (const [stored, asked] of [
    ['Jane Doe', 'Jane Doe'],
    ['Bob/ops', 'bob/ops'],
  ] as const) {
    await admin.tokenFor(stored);
    const path = `/v1/tokens/${encodeURIComponent(asked)}`;
    const { status, json } = await admin.ask('DELETE', path);
    expect([status, json.token?.name]).toEqual([200, stored]);
    expect(json.token.revokedAt).not.toBeNull();
  }
});

test('two requests for the same new name in different case create one token', async () => {
  const name = `twin-${randomUUID()}`;
  const made = await Promise.all(
    [name, name.toUpperCase(), name, name.toUpperCase()].map((it) =>
      admin.ask('POST', '/v1/tokens', { name: it }),
    ),
  );
  expect(made.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
});

describe('a token that expires', () => {
  const DAY_MS = 86_400_000;
  const create = async (days?: number) => {
    const grantor = await admin.tokenFor(`grantor-${randomUUID()}`, adminScopes, DAY_MS);
    const body = { name: `new-${randomUUID()}`, days };
    return admin.ask('POST', '/v1/tokens', body, bearer(grantor));
  };

  test('cannot grant one that is valid for longer', async () => {
    expect(await create(2)).toMatchObject({ status: 403, json: { path: 'days' } });
    expect(await lastAuditEntry()).toMatchObject({
      ...{ act: 'token.create', outcome: 'refused', detail: { days: 2 } },
    });
    expect((await create(0.5)).status).toBe(201);
  });

  test('grants one that expires together with it by default', async () => {
    const { status, json } = await create();
    expect(status).toBe(201);
    expect(Date.parse(json.token.expiresAt)).toBeLessThanOrEqual(Date.now() + DAY_MS);
  });
});

/** Does what `npm run admin-token` does. */
const bootstrap = (...words: string[]) =>
  commandLine(0, '', { DATABASE_URL: muster.databaseUrl, SUPPRESSION_KEY })(
    ...['tokens', 'bootstrap', ...words],
  );

test('the command prints a new token once, records it, and stores only its digest', async () => {
  const { stdout } = await bootstrap('erika', 'erasures:write');
  const token = stdout.trim();
  expect((await admin.ask('GET', '/v1/audit?limit=1')).json.acts[0]).toMatchObject({
    ...{ actor: 'admin-token', act: 'token.create', detail: { name: 'erika' } },
  });
  const asked = async (path: string) =>
    (await admin.ask('GET', path, undefined, bearer(token))).status;
  expect(await asked('/v1/erasures')).toBe(200);
  expect(await asked('/v1/keys')).toBe(403);
  expect(JSON.stringify(await muster.owner('SELECT * FROM admin_token'))).not.toContain(token);
});

test('the command creates no token with a name that the API refuses', async () => {
  const { code, stderr } = await bootstrap('Jane Doe');
  expect([code, stderr]).toEqual([1, expect.stringContaining('The name must ')]);
});

test.each(['Jane Doe', '..', 'start', 'LEDGER', 'installation', 'admin-token'])(
  'the API creates no token with the name %j',
  async (name) => {
    const { status, json } = await admin.ask('POST', '/v1/tokens', { name });
    expect([status, json.path]).toEqual([400, 'name']);
  },
);

test('docs/admin.md lists the scopes and what they allow as in the code', async () => {
  const page = await readFile('docs/admin.md', 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z]+:[a-z]+)` +\| ([^|]*)\|$/gm)];
  expect(Object.fromEntries(rows.map(([, scope, meaning]) => [scope, meaning?.trim()]))).toEqual(
    scopeMeanings,
  );
});
