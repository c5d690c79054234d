/**
 * What holds for every route of the admin API: who may use it, that it answers as in the reference, and which requests
 * it refuses.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adminScopes, type AdminScope } from '#storage';
import { routesOf, type Route } from '../tools/docs/document.js';
import { startAdmin, type Admin } from './support/admin.js';
import {
  adminDocument,
  adminRoutes,
  bodySchema,
  INSTALLATION,
  isWrite,
  nameOf,
  queryNames,
  resolve,
  securityHeaders,
  SELECT_STATE,
  validBodies,
} from './support/admin-routes.js';
import { flawsOf } from './support/answers.js';
import { startMuster, type Muster } from './support/muster.js';

const NO_ID = randomUUID();
const UNKNOWN = ['dryrun', 'DryRun', 'dry_run', 'dry-run', 'filtre'];

let muster: Muster;
let admin: Admin;
/** A token with each scope alone, and tokens that are refused, by what is wrong with them. */
const tokens = new Map<AdminScope, string>();
const refused = new Map<string, string>([
  ['missing', ''],
  ['wrong', `Bearer mat_${'0'.repeat(40)}`],
]);
/** Path parameters that name existing objects, so that a valid request would take effect. */
let idOf: Record<string, string>;
let callers = 0;

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true, workers: 0 });
  admin = await startAdmin(muster, { TRUSTED_PROXIES: '127.0.0.0/8, ::1' });
  for (const scope of adminScopes) {
    tokens.set(scope, await admin.tokenFor(scope.replace(':', '-'), [scope]));
  }
  refused.set('expired', `Bearer ${await admin.tokenFor('old', adminScopes, -1)}`);
  refused.set('revoked', `Bearer ${await admin.tokenFor('gone')}`);
  await admin.ask('DELETE', '/v1/tokens/gone');
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

/** Asks from a new address, because an address that sends wrong tokens is soon refused. */
function askAs(authorization: string, { method, path }: Route) {
  callers += 1;
  const address = `10.0.${callers >> 8}.${callers & 255}`;
  return admin.ask(method, path.replace(/\{\w+\}/g, NO_ID), undefined, {
    ...{ authorization, 'x-forwarded-for': address },
  });
}

function scopesOf({ operation }: Route): string[] {
  return (operation.security ?? []).flatMap((way) => Object.values(way).flat());
}

const named = (route: Route) => [nameOf(route), route] as const;

describe.each(routesOf(adminDocument).map(named))('%s', (_, route) => {
  const scopes = scopesOf(route);
  const isPublic = scopes.length === 0;

  test('allows exactly the tokens with a scope that the reference names, and answers as in it', async () => {
    for (const scope of adminScopes) {
      const answer = await askAs(`Bearer ${tokens.get(scope)}`, route);
      const isAllowed = isPublic || scopes.includes(scope);
      expect([scope, answer.status !== 403]).toEqual([scope, isAllowed]);
      expect(answer.status).not.toBe(401);
      if (answer.json) expect(flawsOf(adminDocument, route, answer)).toEqual([]);
    }
  });

  test('refuses a token that is missing, wrong, expired or revoked, unless it is public', async () => {
    for (const [kind, authorization] of refused) {
      const { status } = await askAs(authorization, route);
      expect([kind, status]).toEqual([kind, isPublic ? 200 : 401]);
    }
  });

  test('sends security headers, with and without a token', async () => {
    for (const authorization of [`Bearer ${admin.token}`, '']) {
      expect((await askAs(authorization, route)).headers).toMatchObject(securityHeaders);
    }
  });
});

test('only the health checks and the erasure key are public', () => {
  const open = routesOf(adminDocument).filter((route) => scopesOf(route).length === 0);
  expect(open.map(nameOf).sort()).toEqual([
    'GET /health/live',
    'GET /health/ready',
    'GET /v1/erasure-key',
  ]);
});

test('every write route that requires a body has one in this test', () => {
  const required = adminRoutes.filter(
    (route) =>
      bodySchema(route) && (route.operation.requestBody as { required?: boolean }).required,
  );
  expect(required.map(nameOf).sort()).toEqual(Object.keys(validBodies).sort());
});

async function expectUnchanged(work: () => Promise<void>) {
  const [before] = await muster.owner(SELECT_STATE);
  await work();
  expect((await muster.owner(SELECT_STATE))[0]).toEqual(before);
}

describe.each(adminRoutes.map(named))('%s changes nothing and rejects', (name, route) => {
  test('an unknown query parameter', () =>
    expectUnchanged(async () => {
      for (const unknown of UNKNOWN) {
        const address = `${addressOf(route)}?${unknown}=true`;
        const answer = await admin.ask(route.method, address, validBodies[name]);
        expect([answer.status, answer.json]).toEqual([400, refusal(unknown, queryNames(route))]);
      }
    }));

  test('a repeated query parameter', () =>
    expectUnchanged(async () => {
      for (const parameter of queryNames(route)) {
        const address = `${addressOf(route)}?${parameter}=true&${parameter}=false`;
        const { status, json } = await admin.ask(route.method, address, validBodies[name]);
        expect([status, json.path]).toEqual([400, parameter]);
      }
    }));
});

describe.each(adminRoutes.filter(isWrite).map(named))(
  '%s changes nothing and rejects',
  (name, route) => {
    const fields = bodySchema(route)?.properties ?? {};

    test('an unknown body field', () =>
      expectUnchanged(async () => {
        for (const unknown of UNKNOWN) {
          const body = { ...validBodies[name], [unknown]: true };
          const answer = await admin.ask(route.method, addressOf(route), body);
          expect([answer.status, answer.json]).toEqual([
            400,
            refusal(unknown, Object.keys(fields)),
          ]);
        }
      }));

    test('an unknown nested field', () =>
      expectUnchanged(async () => {
        for (const [field, schema] of Object.entries(fields)) {
          const inner = resolve(schema.allOf?.[0] ?? schema).properties;
          if (!inner) continue;
          const body = { ...validBodies[name], [field]: { dryrun: true } };
          const answer = await admin.ask(route.method, addressOf(route), body);
          const expected = refusal(`${field}.dryrun`, Object.keys(inner));
          expect([answer.status, answer.json]).toEqual([400, expected]);
        }
      }));

    test('a body that is not an object', () =>
      expectUnchanged(async () => {
        for (const text of ['[]', '"dryRun"', '1', 'null', 'true']) {
          const headers = { 'content-type': 'application/json' };
          const answer = await admin.ask(route.method, addressOf(route), text, headers);
          expect([text, answer.status, answer.json.code]).toEqual([text, 400, 'invalid_request']);
        }
      }));
  },
);

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
