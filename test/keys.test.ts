import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { PolicyStore } from '#storage';
import { startAdmin, type Admin } from './support/admin.js';
import type { HttpsClient } from './support/https.js';
import { startMuster, SUPPRESSION_KEY, type Muster } from './support/muster.js';
import { EFFECTIVE_MS } from './support/policy.js';
import { connectionsOf } from './support/database.js';

let muster: Muster;
let admin: Admin;
let redis: Redis;
let replicas: Pick<HttpsClient, 'post'>[];

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true });
  admin = await startAdmin(muster);
  redis = new Redis(muster.redisUrl);
  const second = await muster.addIngest();
  replicas = [muster, second.client];
});

afterAll(async () => {
  redis.disconnect();
  await admin.stop();
  await muster.stop();
});

async function create(product = 'dcos') {
  const { status, json } = await admin.ask('POST', '/v1/keys', { product, name: 'for a test' });
  expect(status).toBe(201);
  return json as { key: { id: string }; secret: string };
}

async function statusOf(replica: Pick<HttpsClient, 'post'>, key: string, product = 'dcos') {
  const event = { installationId: randomUUID(), product, event: 'health', properties: {} };
  const headers = { authorization: `Bearer ${key}` };
  return (await replica.post('/v1/events', event, { headers })).status;
}

/** Waits until every replica responds to a key with this status. */
async function untilAnswered(status: number, key: string, product?: string): Promise<void> {
  await vi.waitFor(
    async () => {
      for (const replica of replicas) expect(await statusOf(replica, key, product)).toBe(status);
    },
    { timeout: EFFECTIVE_MS, interval: 50 },
  );
}

describe('a write key that an administrator makes', () => {
  test('works on every replica within seconds, and its secret is never stored', async () => {
    const { key, secret } = await create();
    expect(secret).toMatch(/^wk_dcos_[0-9a-f]{40}$/);
    await untilAnswered(202, secret);
    const { json } = await admin.ask('GET', '/v1/keys?product=dcos');
    expect(json.keys).toContainEqual({
      ...{ id: key.id, product: 'dcos', name: 'for a test', hint: secret.slice(-4) },
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      createdBy: 'root',
      ...{ expiresAt: null, revokedAt: null, replacedBy: null },
    });
    const kept = [
      await muster.owner(`SELECT *, encode(digest, 'escape') FROM ingest_key`),
      await muster.owner('SELECT * FROM audit_log'),
      await redis.hgetall(`${muster.queuePrefix}:policy`),
    ];
    expect(JSON.stringify(kept)).not.toContain(secret.slice(8));
  });

  test('is refused on every replica within seconds after it is revoked', async () => {
    const { key, secret } = await create();
    await untilAnswered(202, secret);
    const { json } = await admin.ask('DELETE', `/v1/keys/${key.id}`);
    expect(json.key).toMatchObject({ id: key.id, revokedAt: expect.any(String) });
    await untilAnswered(401, secret);
  });

  test('works next to its replacement for the requested overlap', async () => {
    const { key, secret } = await create();
    const { status, json } = await admin.ask('POST', `/v1/keys/${key.id}/rotate`, {});
    expect(status).toBe(201);
    expect(json.replaces).toMatchObject({ id: key.id, replacedBy: json.key.id });
    const hours =
      (Date.parse(json.replaces.expiresAt) - Date.parse(json.key.createdAt)) / 3_600_000;
    expect(hours).toBeCloseTo(24, 3);
    await untilAnswered(202, json.secret);
    await untilAnswered(202, secret);
    const again = await admin.ask('POST', `/v1/keys/${key.id}/rotate`, {});
    expect(again).toMatchObject({ status: 409, json: { code: 'conflict' } });

    const now = await admin.ask('POST', `/v1/keys/${json.key.id}/rotate`, { overlapHours: 0 });
    await untilAnswered(202, now.json.secret);
    await untilAnswered(401, json.secret);
  });

  test('is refused once it has expired', async () => {
    const { key, secret } = await create();
    await untilAnswered(202, secret);
    await muster.owner(`UPDATE ingest_key SET expires_at = now() WHERE key_id = $1`, [key.id]);
    await muster.owner('UPDATE policy_revision SET revision = revision + 1');
    await muster.owner(`SELECT pg_notify('muster_policy', '')`);
    await untilAnswered(401, secret);
  });

  test('ends the same key of WRITE_KEYS when it is revoked', async () => {
    const database = connectionsOf(muster.databaseUrl);
    const store = new PolicyStore({ database, suppressionKey: SUPPRESSION_KEY });
    await store.keys.register({ octopus: 'wk_octopus' }, 'start');
    await store.keys.register({ octopus: 'wk_octopus' }, 'start');
    const { json } = await admin.ask('GET', '/v1/keys?product=octopus');
    expect(json.keys).toHaveLength(1);
    await untilAnswered(202, 'wk_octopus', 'octopus');
    await admin.ask('DELETE', `/v1/keys/${json.keys[0].id}`);
    await untilAnswered(401, 'wk_octopus', 'octopus');
  });

  test('still works if Redis loses it, even on a replica that starts afterwards', async () => {
    const { secret } = await create();
    await untilAnswered(202, secret);
    await redis.del(`${muster.queuePrefix}:policy`);
    for (const replica of replicas) expect(await statusOf(replica, secret)).toBe(202);
    const third = await muster.addIngest();
    replicas.push(third.client);
    expect(await statusOf(third.client, secret)).toBe(202);
    await third.app.stop();
    replicas.pop();
  });

  test('works if the database was restored from a backup older than the policy in Redis', async () => {
    await redis.hset(`${muster.queuePrefix}:policy`, 'revision', 1_000_000);
    const { secret } = await create();
    await untilAnswered(202, secret);
    const [row] = await muster.owner('SELECT revision::int FROM policy_revision');
    expect(row?.revision).toBeGreaterThan(1_000_000);
  });
});

test.each([
  [{ product: 'DC/OS' }, 'product'],
  [{ product: 'dcos', name: '' }, 'name'],
  [{ product: 'dcos', label: 'x' }, 'label'],
  [[], undefined],
])('an invalid request for a key, %j, gets 400 with the path of the error', async (body, path) => {
  const { status, json } = await admin.ask('POST', '/v1/keys', body);
  expect({ status, code: json.code, path: json.path }).toEqual({
    ...{ status: 400, code: 'invalid_request', path },
  });
});

describe('a token that an administrator makes', () => {
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  test('has the requested scopes, and never more than its creator', async () => {
    const mine = await admin.tokenFor('keys-only', ['keys:write', 'tokens:write']);
    const refused = await admin.ask(
      'POST',
      '/v1/tokens',
      { name: 'more', scopes: ['keys:write', 'erasures:write'] },
      bearer(mine),
    );
    expect(refused).toMatchObject({ status: 403, json: { code: 'forbidden' } });
    const { status, json } = await admin.ask('POST', '/v1/tokens', { name: 'as-i' }, bearer(mine));
    expect({ status, scopes: json.token.scopes }).toEqual({
      ...{ status: 201, scopes: ['keys:write', 'tokens:write'] },
    });
    expect((await admin.ask('GET', '/v1/keys', undefined, bearer(json.secret))).status).toBe(200);
    expect((await admin.ask('GET', '/v1/erasures', undefined, bearer(json.secret))).status).toBe(
      403,
    );
    const listed = await admin.ask('GET', '/v1/tokens');
    expect(listed.json.tokens).toContainEqual(json.token);
    expect(listed.text).not.toContain(json.secret);
  });

  test('needs an unused name, and is refused once it is revoked', async () => {
    const { json } = await admin.ask('POST', '/v1/tokens', { name: 'brief', days: 1 });
    const again = await admin.ask('POST', '/v1/tokens', { name: 'brief' });
    expect(again).toMatchObject({ status: 409, json: { path: 'name' } });
    for (const name of ['root', 'Root', 'BRIEF', 'installation', 'Start']) {
      const taken = await admin.ask('POST', '/v1/tokens', { name });
      expect(taken.status, name).toBeGreaterThanOrEqual(400);
    }
    const revoked = await admin.ask('DELETE', '/v1/tokens/brief');
    expect(revoked.json.token.revokedAt).toEqual(expect.any(String));
    expect((await admin.ask('GET', '/v1/keys', undefined, bearer(json.secret))).status).toBe(401);
    const taken = await admin.ask('POST', '/v1/tokens', { name: 'brief' });
    expect(taken).toMatchObject({ status: 409, json: { path: 'name' } });
  });
});

test('the audit log lists all changes, newest first, page by page', async () => {
  const { key } = await create();
  await admin.ask('DELETE', `/v1/keys/${key.id}`);
  await admin.ask('DELETE', `/v1/keys/${key.id}`);
  await admin.ask('PATCH', '/v1/products/dcos', { retentionDays: 90 });
  const first = await admin.ask('GET', '/v1/audit?limit=2');
  const second = await admin.ask('GET', `/v1/audit?limit=1&after=${first.json.next}`);
  const acts = [...first.json.acts, ...second.json.acts] as Record<string, unknown>[];
  expect(acts.map(({ act, actor }) => [act, actor])).toEqual([
    ['product.change', 'root'],
    ['key.revoke', 'root'],
    ['key.create', 'root'],
  ]);
  expect(acts[0]?.detail).toEqual({ product: 'dcos', retentionDays: 90 });
});

test('a product can be changed in part, and an unknown product gets 404', async () => {
  const ask = (body: object, product = 'resoto') =>
    admin.ask('PATCH', `/v1/products/${product}`, body);
  await ask({ limits: { eventsPerMinutePerKey: 1000 }, retentionDays: 30 });
  const { json } = await ask({ limits: { eventsPerMinutePerInstallation: 7 } });
  expect(json.product).toEqual({
    product: 'resoto',
    limits: { eventsPerMinutePerKey: 1000, eventsPerMinutePerInstallation: 7 },
    ...{ selfErasure: false, retentionDays: 30 },
  });
  await ask({ limits: { eventsPerMinutePerKey: null, eventsPerMinutePerInstallation: null } });
  const { json: all } = await admin.ask('GET', '/v1/products');
  expect(all.products.map(({ product }: { product: string }) => product)).toEqual(
    expect.arrayContaining(['dcos', 'octopus', 'resoto']),
  );
  expect(await ask({ selfErasure: true }, 'resotto')).toMatchObject({ status: 404 });
  for (const body of [
    { limits: { eventsPerMinutePerKey: 0 } },
    { limits: { perKey: 5 } },
    { selfErasure: 'yes' },
    { selfErasure: null },
    {},
  ]) {
    const { status } = await ask(body);
    expect(status, JSON.stringify(body)).toBe(400);
  }
});
