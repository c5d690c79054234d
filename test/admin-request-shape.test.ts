import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Route } from '../tools/docs/document.js';
import { startAdmin, type Admin } from './support/admin.js';
import { adminRoutes, bodySchema, isWrite, queryNames, resolve } from './support/admin-routes.js';
import { startMuster, type Muster } from './support/muster.js';

const INSTALLATION = randomUUID();
const UNKNOWN = ['dryrun', 'DryRun', 'dry_run', 'dry-run', 'filtre'];

/** All state that a write of an administrator can change. */
const STATE = `
  SELECT (SELECT json_agg(e ORDER BY erasure_id) FROM erasure e) AS erasures,
         (SELECT json_agg(s ORDER BY installation_hash) FROM suppression s) AS suppressions,
         (SELECT json_agg(t ORDER BY token_id) FROM admin_token t) AS tokens,
         (SELECT json_agg(k ORDER BY key_id) FROM ingest_key k) AS keys,
         (SELECT json_agg(p ORDER BY product) FROM product_policy p) AS products,
         (SELECT json_agg(b ORDER BY block_id) FROM block_rule b) AS blocks,
         (SELECT json_agg(q ORDER BY job_id) FROM quarantine_job q) AS jobs,
         (SELECT json_agg(p) FROM purge p) AS purges,
         (SELECT json_agg(p) FROM policy_revision p) AS revisions,
         (SELECT count(*) FROM audit_log) AS audited`;

let muster: Muster;
let admin: Admin;
/**
 * Values of path parameters. They name existing objects, so that a valid request would take effect.
 */
let idOf: Record<string, string>;

/** A valid body for each route. */
const BODIES: Record<string, object> = {
  'POST /v1/erasures': { installationIds: [INSTALLATION] },
  'POST /v1/keys': { product: 'dcos' },
  'PATCH /v1/products/{product}': { retentionDays: 1 },
  'POST /v1/tokens': { name: 'another' },
  'POST /v1/blocks': { product: 'dcos', event: 'health' },
  'POST /v1/purges': {
    ...{ key: '0'.repeat(16), dryRun: false },
    ...{ from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' },
  },
  'POST /v1/quarantine/replays': {},
  'POST /v1/quarantine/discards': { all: true },
};

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true, workers: 0 });
  admin = await startAdmin(muster);
  const key = await admin.ask('POST', '/v1/keys', { product: 'dcos' });
  const block = await admin.ask('POST', '/v1/blocks', { product: 'dcos', event: 'nothing' });
  await admin.ask('POST', '/v1/tokens', { name: 'victim' });
  const job = await muster.queue.add('batch', { envelopes: 'unreadable' });
  idOf = {
    ...{ installationId: INSTALLATION, product: 'dcos', name: 'victim' },
    ...{ key: key.json.key.id, block: block.json.block.id, other: String(job.id) },
  };
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

function addressOf({ path }: Route): string {
  const kind = path.startsWith('/v1/keys') ? 'key' : 'block';
  return path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(idOf[name === 'id' ? kind : name] ?? ''),
  );
}

const named = ({ method, path }: Route) => `${method} ${path}`;
const writes = adminRoutes.filter(isWrite).map((route) => [named(route), route] as const);
const all = adminRoutes.map((route) => [named(route), route] as const);

test('every write route that requires a body has one in this test', () => {
  const required = adminRoutes.filter(
    (route) =>
      bodySchema(route) && (route.operation.requestBody as { required?: boolean }).required,
  );
  expect(required.map(named).sort()).toEqual(Object.keys(BODIES).sort());
  expect(writes.length).toBeGreaterThan(10);
});

test.each(all)('%s rejects an unknown query parameter and changes nothing', async (name, route) => {
  const [before] = await muster.owner(STATE);
  for (const unknown of UNKNOWN) {
    const body = BODIES[name];
    const answer = await admin.ask(route.method, `${addressOf(route)}?${unknown}=true`, body);
    expect([answer.status, answer.json]).toEqual([400, refusal(unknown, queryNames(route))]);
  }
  expect((await muster.owner(STATE))[0]).toEqual(before);
});

test.each(all)('%s rejects a repeated query parameter', async (name, route) => {
  const [before] = await muster.owner(STATE);
  for (const parameter of queryNames(route)) {
    const address = `${addressOf(route)}?${parameter}=true&${parameter}=false`;
    const { status, json } = await admin.ask(route.method, address, BODIES[name]);
    expect([status, json.path]).toEqual([400, parameter]);
  }
  expect((await muster.owner(STATE))[0]).toEqual(before);
});

test.each(writes)('%s rejects an unknown body field and changes nothing', async (name, route) => {
  const [before] = await muster.owner(STATE);
  const allowed = Object.keys(bodySchema(route)?.properties ?? {});
  for (const unknown of UNKNOWN) {
    const body = { ...BODIES[name], [unknown]: true };
    const answer = await admin.ask(route.method, addressOf(route), body);
    expect([answer.status, answer.json]).toEqual([400, refusal(unknown, allowed)]);
  }
  expect((await muster.owner(STATE))[0]).toEqual(before);
});

test.each(writes)('%s rejects a body that is not an object', async (_name, route) => {
  const [before] = await muster.owner(STATE);
  for (const text of ['[]', '"dryRun"', '1', 'null', 'true']) {
    const headers = { 'content-type': 'application/json' };
    const answer = await admin.ask(route.method, addressOf(route), text, headers);
    expect([text, answer.status, answer.json.code]).toEqual([text, 400, 'invalid_request']);
  }
  expect((await muster.owner(STATE))[0]).toEqual(before);
});

test.each(
  writes.flatMap(([name, route]) =>
    Object.entries(bodySchema(route)?.properties ?? {})
      .filter(([, schema]) => resolve(schema).properties ?? schema.allOf)
      .map(([field, schema]) => [`${name} ${field}`, name, route, field, schema] as const),
  ),
)('%s rejects an unknown nested field', async (_, name, route, field, schema) => {
  const inner = resolve(schema.allOf?.[0] ?? schema);
  const body = { ...BODIES[name], [field]: { dryrun: true } };
  const answer = await admin.ask(route.method, addressOf(route), body);
  const allowed = Object.keys(inner.properties ?? {});
  expect([answer.status, answer.json]).toEqual([400, refusal(`${field}.dryrun`, allowed)]);
});

/** The error for an unknown name. It contains the name and every name that the reference allows. */
function refusal(path: string, allowed: readonly string[]): object {
  return {
    ...{ success: false, code: 'invalid_request', path },
    message: expect.toSatisfy(
      (message: string) =>
        message.includes(path) && allowed.every((name) => message.includes(name)),
    ),
  };
}

describe('a dry run', () => {
  const asks: [where: string, method: string, path: string, body?: object | string][] = [
    ['the query', 'POST', '/v1/erasures?dryRun=true', { installationIds: [INSTALLATION] }],
    ['the body', 'POST', '/v1/erasures', { installationIds: [INSTALLATION], dryRun: true }],
    ['the query with a CSV body', 'POST', '/v1/erasures?dryRun=true', `${INSTALLATION}\n`],
    ['both', 'POST', '/v1/erasures?dryRun=true', { installationIds: [INSTALLATION], dryRun: true }],
    ['the query', 'DELETE', `/v1/installations/${INSTALLATION}?dryRun=true`],
    ['the body', 'DELETE', `/v1/installations/${INSTALLATION}`, { dryRun: true }],
    [
      'the body with a mode',
      'DELETE',
      `/v1/installations/${INSTALLATION}?mode=erase`,
      { dryRun: true },
    ],
  ];
  test.each(asks)('requested in %s of %s %s only counts', async (_, method, path, body) => {
    const [before] = await muster.owner(STATE);
    const { status, json } = await admin.ask(method, path, body);
    expect([status, json]).toEqual([202, { dryRun: true, rows: expect.any(Object) }]);
    expect((await muster.owner(STATE))[0]).toEqual(before);
  });

  const hasDryRun = writes.filter(
    ([, route]) => queryNames(route).includes('dryRun') || bodySchema(route)?.properties?.dryRun,
  );

  test('is supported by exactly these routes', () => {
    expect(hasDryRun.map(([name]) => name).sort()).toEqual([
      'DELETE /v1/installations/{installationId}',
      'POST /v1/erasures',
      'POST /v1/erasures/verify',
      'POST /v1/purges',
    ]);
  });

  test.each(hasDryRun)(
    'of %s can be requested in the query or in the body',
    async (name, route) => {
      const [before] = await muster.owner(STATE);
      const { dryRun: _, ...body } = { dryRun: null, ...BODIES[name] };
      const asks = [
        ['?dryRun=true', body],
        ['', { ...body, dryRun: true }],
        ['?dryRun=true', { ...body, dryRun: true }],
      ] as const;
      for (const [query, fields] of asks) {
        const { status, json } = await admin.ask(route.method, addressOf(route) + query, fields);
        // The key of this purge does not exist.
        if (name === 'POST /v1/purges') expect([status, json.path]).toEqual([404, 'key']);
        else expect([status < 300, json.dryRun]).toEqual([true, true]);
      }
      const { audited: __, ...rest } = before as { audited: string };
      expect((await muster.owner(STATE))[0]).toMatchObject(rest);
    },
  );

  test.each(hasDryRun)('of %s is rejected if query and body differ', async (name, route) => {
    const [before] = await muster.owner(STATE);
    for (const dryRun of [true, false]) {
      const body = { ...BODIES[name], dryRun };
      const address = `${addressOf(route)}?dryRun=${!dryRun}`;
      const { status, json } = await admin.ask(route.method, address, body);
      expect([status, json.path]).toEqual([400, 'dryRun']);
    }
    expect((await muster.owner(STATE))[0]).toEqual(before);
  });

  const ids = { installationIds: [INSTALLATION] };
  const one = `/v1/installations/${INSTALLATION}`;
  const wrong: [method: string, path: string, body?: object | undefined][] = [
    ['POST', '/v1/erasures?dryRun=True', ids],
    ['POST', '/v1/erasures?dryRun=TRUE', ids],
    ['POST', '/v1/erasures?dryRun=1', ids],
    ['POST', '/v1/erasures?dryRun=', ids],
    ['POST', '/v1/erasures?dryRun', ids],
    ['POST', '/v1/erasures', { ...ids, dryRun: 'true' }],
    ['POST', '/v1/erasures', { ...ids, dryRun: 1 }],
    ['POST', '/v1/erasures', { ...ids, dryRun: null }],
    ['POST', '/v1/erasures?dryRun=false', { ...ids, dryRun: true }],
    ['POST', '/v1/erasures?dryRun=true', { ...ids, dryRun: false }],
    ['DELETE', `${one}?dryRun=yes`],
    ['DELETE', one, { dryRun: 'true' }],
    ['DELETE', one, { dryRun: null }],
    ['DELETE', `${one}?dryRun=false`, { dryRun: true }],
    ['POST', '/v1/erasures/verify?dryRun=1'],
    ['POST', '/v1/erasures/verify', { dryRun: 'true' }],
    ['POST', '/v1/erasures/verify', { dryRun: null }],
    ['POST', '/v1/purges', { ...BODIES['POST /v1/purges'], dryRun: undefined }],
    ['POST', '/v1/purges', { ...BODIES['POST /v1/purges'], dryRun: null }],
    ['POST', '/v1/purges?dryRun=True', BODIES['POST /v1/purges']],
  ];
  test.each(wrong)('with an invalid value erases nothing: %s %s %j', async (method, path, body) => {
    const [before] = await muster.owner(STATE);
    const { status, json } = await admin.ask(method, path, body);
    expect([status, json.path]).toEqual([400, 'dryRun']);
    expect((await muster.owner(STATE))[0]).toEqual(before);
  });

  test('is off with dryRun=false', async () => {
    const id = randomUUID();
    const { status, json } = await admin.ask('DELETE', `/v1/installations/${id}?dryRun=false`, {
      mode: 'suppress',
    });
    expect([status, json.erasure.mode]).toEqual([202, 'suppress']);
  });
});
