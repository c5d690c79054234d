import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Route, Schema } from '../tools/docs/document.js';
import { startAdmin, type Admin } from './support/admin.js';
import {
  adminDocument,
  adminRoutes,
  bodySchema,
  dashboardRoutes,
  queryNames,
  resolve,
} from './support/admin-routes.js';
import { flawsOf } from './support/answers.js';
import { startMuster, type Muster } from './support/muster.js';
import { atScale } from './support/scale.js';

const SEED = 20261129;
const RUNS_PER_ROUTE = atScale(20, 60);

let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  muster = await startMuster({ workers: 0, keepAlive: true });
  admin = await startAdmin(muster);
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

const TIMES = [
  '0000-01-01T00:00:00Z',
  '0000-12-31T23:59:59Z',
  '0001-01-01T00:00:00+14:00',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59-14:00',
  '275760-09-13T00:00:00Z',
  '+275760-09-13T00:00:00.000Z',
  '-000001-01-01T00:00:00Z',
  '2026-02-30T00:00:00Z',
  '2026-01-01T24:00:00Z',
  'infinity',
  'now',
];
const TEXTS = [
  '\0',
  'a\0b',
  '\ud800',
  'a\udfff',
  '\u202e\u0007\u001b[2J',
  '\uffff',
  '',
  ' ',
  "'; DROP TABLE report; --",
  '%',
  '%00',
  '../../etc/passwd',
  '__proto__',
  'constructor',
  'x'.repeat(5000),
  '\u{1f600}'.repeat(200),
  'true',
  'null',
  'NaN',
  '{}',
  'dcos',
  'wait',
  'meta',
];
const NUMBERS = [
  '0',
  '-1',
  '1e9',
  '9'.repeat(18),
  '9'.repeat(19),
  '9'.repeat(400),
  '0x10',
  '1.5',
  '-0',
];
const IDS = [randomUUID(), '00000000-0000-0000-0000-000000000000', '1', '9'.repeat(18)];

const hostileText = fc.oneof(
  fc.constantFrom(...TEXTS, ...TIMES, ...NUMBERS, ...IDS),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 })
    .map((units) => String.fromCharCode(...units)),
);
const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: hostileText },
  fc.constantFrom(null, true, false, 0, -1, 1.5, 2 ** 53, -(2 ** 63), 1e308, 5e-324, [], {}),
  fc.array(hostileText, { maxLength: 3 }),
  fc.dictionary(hostileText, hostileText, { maxKeys: 3 }),
);

/**
 * A value that matches the schema if possible, so that some requests pass validation, or a hostile
 * value.
 */
function valueOf(given: Schema): fc.Arbitrary<unknown> {
  const schema = resolve(given.allOf?.[0] ?? given);
  if (schema.enum) return fc.oneof(fc.constantFrom(...schema.enum), hostileValue);
  if (schema.properties) return fc.oneof({ weight: 3, arbitrary: objectOf(schema) }, hostileValue);
  if (schema.items) {
    return fc.oneof(fc.array(valueOf(schema.items), { maxLength: 3 }), hostileValue);
  }
  if (schema.type === 'boolean') return fc.oneof(fc.boolean(), hostileValue);
  if (schema.type === 'integer' || schema.type === 'number') {
    return fc.oneof(fc.integer(), fc.double(), hostileValue);
  }
  if (schema.format === 'date-time') return fc.oneof(fc.constantFrom(...TIMES), hostileValue);
  return hostileValue;
}

function objectOf({ properties = {} }: Schema): fc.Arbitrary<object> {
  const fields = Object.entries(properties).map(([name, it]) => [name, valueOf(it)] as const);
  return fc.record(Object.fromEntries(fields), { requiredKeys: [] });
}

interface Request {
  parameters: string[];
  query: Record<string, string | undefined>;
  body: unknown;
  idempotencyKey: string | undefined;
}

function requestOf(route: Route): fc.Arbitrary<Request> {
  const schema = bodySchema(route);
  const names = queryNames(route);
  return fc.record({
    parameters: fc.array(hostileText, { minLength: 2, maxLength: 2 }),
    query: fc.record(Object.fromEntries(names.map((name) => [name, hostileText])), {
      requiredKeys: [],
    }),
    body: schema
      ? fc.oneof({ weight: 5, arbitrary: valueOf(schema) }, hostileValue)
      : fc.constant(undefined),
    idempotencyKey: fc.option(fc.constantFrom('a', 'x'.repeat(5000), 'ä', ' '), { nil: undefined }),
  });
}

async function send({ method, path }: Route, request: Request) {
  const values = [...request.parameters];
  const address = path.replace(/\{\w+\}/g, () => escape(values.pop() ?? ''));
  const query = Object.entries(request.query).flatMap(([name, text]) =>
    text === undefined ? [] : [`${name}=${escape(text)}`],
  );
  const text = request.body === undefined ? undefined : JSON.stringify(request.body);
  const body = text === undefined ? undefined : Buffer.from(text);
  const headers = {
    authorization: `Bearer ${admin.token}`,
    ...(body && { 'content-type': 'application/json', 'content-length': String(body.length) }),
    ...(request.idempotencyKey !== undefined && { 'idempotency-key': request.idempotencyKey }),
  };
  return admin.client.send(
    method,
    query.length > 0 ? `${address}?${query.join('&')}` : address,
    headers,
    body,
  );
}

/** Percent-encodes bytes. A lone surrogate becomes the three bytes it would have in UTF-8. */
function escape(text: string): string {
  return Array.from(text)
    .map((character) => {
      if (character.isWellFormed()) return encodeURIComponent(character);
      const unit = character.charCodeAt(0);
      const bytes = [0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)];
      return bytes.map((byte) => `%${byte.toString(16)}`).join('');
    })
    .join('');
}

const named = (route: Route) => [`${route.method} ${route.path}`, route] as const;
const routes = [...adminRoutes, ...dashboardRoutes].map(named);

test.each(routes)('%s answers any input without a server error', async (_, route) => {
  const property = fc.asyncProperty(requestOf(route), async (request) => {
    const answer = await send(route, request);
    expect(answer.status).toBeLessThan(500);
    if (answer.status < 400) return;
    expect(answer.json).toMatchObject({
      ...{ success: false, code: expect.any(String), message: expect.stringMatching(/\S/) },
    });
    // A path with extra or missing segments does not match this route.
    if ([404, 405].includes(answer.status) || dashboardRoutes.includes(route)) return;
    expect(flawsOf(adminDocument, route, answer)).toEqual([]);
  });
  await fc.assert(property, { seed: SEED, numRuns: RUNS_PER_ROUTE });
});

test('a hostile value in any single field gets an error with a message', async () => {
  const filter = (field: string, value: unknown) => ({ filter: { [field]: value } });
  const bodies: [method: string, path: string, body: object][] = [
    ...TEXTS.slice(0, 4),
    ...TIMES,
  ].flatMap((text): [string, string, object][] => [
    ['POST', '/v1/keys', { product: 'dcos', name: text }],
    ['POST', '/v1/blocks', { product: 'dcos', event: text }],
    ['POST', '/v1/blocks', { product: 'dcos', event: `e-${randomUUID()}`, note: text }],
    ['POST', '/v1/quarantine/replays', filter('event', text)],
    ['POST', '/v1/quarantine/discards', filter('from', text)],
    ['POST', '/v1/queue/failed/retry', { ids: [text] }],
    ['POST', '/v1/erasures', { installationIds: [text] }],
  ]);
  for (const [method, path, body] of bodies) {
    const { status, json } = await admin.ask(method, path, body);
    expect([path, body, status < 500]).toEqual([path, body, true]);
    if (status >= 400) expect(json.message).toMatch(/\S/);
  }
  const queries = adminRoutes
    .filter(({ method }) => method === 'GET')
    .flatMap((route) => queryNames(route).map((name) => `${route.path}?${name}=`));
  expect(queries.length).toBeGreaterThan(10);
  for (const text of [...TEXTS.slice(0, 4), ...TIMES]) {
    for (const query of queries) {
      const { status } = await admin.ask('GET', query + escape(text));
      expect([query, text, status < 500]).toEqual([query, text, true]);
    }
    const { status } = await admin.ask('DELETE', `/v1/tokens/${escape(text)}`);
    expect([400, 404]).toContain(status);
  }
  expect(admin.app.log).not.toContain('"level":"error"');
});
