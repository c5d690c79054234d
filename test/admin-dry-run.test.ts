import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Route } from '../tools/docs/document.js';
import { startAdmin, type Admin } from './support/admin.js';
import {
  adminRoutes,
  bodySchema,
  INSTALLATION,
  isWrite,
  nameOf,
  queryNames,
  SELECT_STATE,
  validBodies,
} from './support/admin-routes.js';
import { startMuster, type Muster } from './support/muster.js';

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

const writes = adminRoutes.filter(isWrite).map((route) => [nameOf(route), route] as const);
const addressOf = ({ path }: Route) => path.replace('{installationId}', INSTALLATION);

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
    const [before] = await muster.owner(SELECT_STATE);
    const { status, json } = await admin.ask(method, path, body);
    expect([status, json]).toEqual([202, { dryRun: true, rows: expect.any(Object) }]);
    expect((await muster.owner(SELECT_STATE))[0]).toEqual(before);
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
      const [before] = await muster.owner(SELECT_STATE);
      const { dryRun: _, ...body } = { dryRun: null, ...validBodies[name] };
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
      expect((await muster.owner(SELECT_STATE))[0]).toMatchObject(rest);
    },
  );

  test.each(hasDryRun)('of %s is rejected if query and body differ', async (name, route) => {
    const [before] = await muster.owner(SELECT_STATE);
    for (const dryRun of [true, false]) {
      const body = { ...validBodies[name], dryRun };
      const address = `${addressOf(route)}?dryRun=${!dryRun}`;
      const { status, json } = await admin.ask(route.method, address, body);
      expect([status, json.path]).toEqual([400, 'dryRun']);
    }
    expect((await muster.owner(SELECT_STATE))[0]).toEqual(before);
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
    ['POST', '/v1/purges', { ...validBodies['POST /v1/purges'], dryRun: undefined }],
    ['POST', '/v1/purges', { ...validBodies['POST /v1/purges'], dryRun: null }],
    ['POST', '/v1/purges?dryRun=True', validBodies['POST /v1/purges']],
  ];
  test.each(wrong)('with an invalid value erases nothing: %s %s %j', async (method, path, body) => {
    const [before] = await muster.owner(SELECT_STATE);
    const { status, json } = await admin.ask(method, path, body);
    expect([status, json.path]).toEqual([400, 'dryRun']);
    expect((await muster.owner(SELECT_STATE))[0]).toEqual(before);
  });

  test('is off with dryRun=false', async () => {
    const id = randomUUID();
    const { status, json } = await admin.ask('DELETE', `/v1/installations/${id}?dryRun=false`, {
      mode: 'suppress',
    });
    expect([status, json.erasure.mode]).toEqual([202, 'suppress']);
  });
});
