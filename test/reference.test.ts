import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Validator } from '@seriousme/openapi-schema-validator';
import { format, resolveConfig } from 'prettier';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findGaps, routesOf, type OpenApiDocument } from '../tools/docs/document.js';
import { withRoutes } from '../tools/docs/routes.js';
import { referenceTypes } from '../tools/docs/types.js';
import { adminScopes } from '#storage';
import { startAdmin, type Admin } from './support/admin.js';
import { flawsOf } from './support/answers.js';
import type { Answer } from './support/https.js';
import { startMuster, type Muster } from './support/muster.js';

const APIS = ['ingest', 'admin'] as const;
const FILES = APIS.flatMap((api) => [`${api}.openapi.json`, `${api}.md`]);
const ID = '70b28f00-e38f-41b2-a723-aab344f535b9';

const documents = Object.fromEntries(
  await Promise.all(
    APIS.map(async (api) => [
      api,
      JSON.parse(await readFile(`docs/reference/${api}.openapi.json`, 'utf8')) as OpenApiDocument,
    ]),
  ),
) as Record<(typeof APIS)[number], OpenApiDocument>;

let made: string;
let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), 'muster-reference-'));
  await promisify(execFile)(process.execPath, ['dist/tools/docs/reference.js', made]);
  muster = await startMuster({ keepAlive: true, workers: 0 });
  admin = await startAdmin(muster);
});

afterAll(async () => {
  await rm(made, { recursive: true });
  await admin.stop();
  await muster.stop();
});

test.each(FILES)('docs/reference/%s matches the output of npm run docs', async (name) => {
  const file = `docs/reference/${name}`;
  const options = { ...(await resolveConfig(file)), filepath: file };
  const now = await format(await readFile(join(made, name), 'utf8'), options);
  expect(await readFile(file, 'utf8')).toBe(now);
});

test.each([
  ['docs/admin.md', (page: string) => withRoutes(page, documents.admin)],
  ['apps/cli/admin-types.ts', (_: string) => referenceTypes(documents.admin)],
])('%s matches the output of npm run docs', async (file, generate) => {
  const text = await readFile(file, 'utf8');
  const options = { ...(await resolveConfig(file)), filepath: file };
  expect(text).toBe(await format(generate(text), options));
});

describe.each(APIS)('the reference of %s', (api) => {
  const document = documents[api];

  test('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate({ ...structuredClone(document) });
    expect({ valid, errors, version: validator.version }).toEqual({ valid: true, version: '3.1' });
  });

  test('has no gaps', () => {
    expect(findGaps(document)).toEqual([]);
  });

  test('has a unique operationId for every route', () => {
    const ids = routesOf(document).map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

test('ingest does not load the code that describes its API', async () => {
  const files = (await readdir('apps/ingest')).filter((name) => name.endsWith('.ts'));
  const sources = await Promise.all(files.map((name) => readFile(`apps/ingest/${name}`, 'utf8')));
  expect(sources.join()).not.toMatch(/@nestjs\/swagger|\.\/reference\//);
  expect(sources.length).toBeGreaterThan(10);
});

test.each([
  ['summary', { summary: '' }, 'has no summary'],
  ['schema', { responses: { 200: { description: 'Done.' } } }, 'has no schema for its response'],
  ['response', { responses: {} }, 'has no schema for its response'],
  ['scope', { security: [] }, 'has no security and is not marked as public'],
])('a route without a %s is reported as a gap', (_, change, gap) => {
  const document = structuredClone(documents.admin);
  Object.assign(document.paths['/v1/queue']!.get!, change);
  expect(findGaps(document)).toEqual([`GET /v1/queue ${gap}.`]);
});

const adminRoutes = routesOf(documents.admin).map(({ method, path, operation }) => ({
  method,
  path: path.replace(/\{\w+\}/g, ID),
  scopes: [...new Set((operation.security ?? []).flatMap((way) => Object.values(way).flat()))],
}));

test.each(adminRoutes)('$method $path requires the scopes in the reference', async (route) => {
  const { method, path, scopes } = route;
  const ask = async (token: string) => {
    const authorization = `Bearer ${token}`;
    return (await admin.ask(method, path, undefined, { authorization })).status;
  };
  const [mine, other] = [
    await admin.tokenFor('mine', adminScopes.filter((it) => scopes.includes(it)).slice(0, 1)),
    await admin.tokenFor(
      'other',
      adminScopes.filter((it) => !scopes.includes(it)),
    ),
  ];
  expect([401, 403]).not.toContain(await ask(mine));
  if (scopes.length > 0) expect(await ask(other)).toBe(403);
});

test('responses of the admin API match the reference', async () => {
  await admin.ask('POST', '/v1/erasures', { mode: 'suppress', installationIds: [ID] });
  const { json } = await admin.ask('GET', '/v1/erasures');
  await muster.owner(
    `INSERT INTO ingest_tally (product, hour, shard, accepted, stored, duplicate, quarantined, suppressed, empty)
     VALUES ('dcos', date_trunc('hour', now()), 0, 1, 1, 0, 0, 0, 0)`,
  );
  const erasure = json.erasures[0].id as string;
  const asked: [method: string, path: string, template: string, body?: object][] = [
    ['GET', '/v1/erasures', '/v1/erasures'],
    ['GET', '/v1/erasures?limit=no', '/v1/erasures'],
    ['POST', '/v1/erasures', '/v1/erasures', { installationIds: [ID] }],
    ['POST', '/v1/erasures?dryRun=true', '/v1/erasures', { installationIds: [ID] }],
    ['POST', '/v1/erasures?dryRun=ture', '/v1/erasures', { installationIds: [ID] }],
    ['POST', '/v1/erasures', '/v1/erasures', { installationIds: [] }],
    ['GET', `/v1/erasures/${erasure}`, '/v1/erasures/{id}'],
    ['GET', `/v1/erasures/${ID}`, '/v1/erasures/{id}'],
    ['GET', `/v1/erasures/${erasure}/certificate`, '/v1/erasures/{id}/certificate'],
    ['DELETE', `/v1/installations/${ID}`, '/v1/installations/{installationId}'],
    ['GET', `/v1/installations/${ID}`, '/v1/installations/{installationId}'],
    ['GET', '/v1/installations/unknown', '/v1/installations/{installationId}'],
    ['GET', '/v1/queue', '/v1/queue'],
    ['GET', '/v1/queue/failed', '/v1/queue/failed'],
    ['POST', '/v1/queue/failed/retry', '/v1/queue/failed/retry', {}],
    ['GET', '/v1/balance', '/v1/balance'],
    ['GET', '/health/live', '/health/live'],
    ['GET', '/health/ready', '/health/ready'],
  ];
  for (const [method, path, template, body] of asked) {
    const answer = await admin.ask(method, path, body);
    expect([method, path, flawsIn('admin', method, template, answer)]).toEqual([method, path, []]);
  }
});

const examples = routesOf(documents.ingest).flatMap(({ method, path, operation }) =>
  Object.values(operation.requestBody?.content['application/json']?.examples ?? {}).map(
    ({ value }) => ({ method, path, value: value as object }),
  ),
);

test('every ingest route that accepts events has an example', () => {
  const shown = new Set(examples.map(({ path }) => path));
  const taking = routesOf(documents.ingest).filter(({ operation }) => operation.requestBody);
  expect(taking.map(({ path }) => path).filter((path) => !shown.has(path))).toEqual([]);
});

test.each(examples)(
  'the example of $path is accepted, and its responses match the reference',
  async (example) => {
    const { method, path, value } = example;
    const key = path.startsWith('/api/telemetry')
      ? 'wk_octopus'
      : path.startsWith('/v1/')
        ? 'wk_dcos'
        : 'wk_resoto';
    const address = path.replace('{installationId}', ID).replace('{date}', '2026-11-21');
    const headers = { authorization: `Bearer ${key}` };
    const answer = await muster.post(address, value, { headers });
    expect([answer.status < 300, flawsIn('ingest', method, path, answer)]).toEqual([true, []]);
    const refused = await muster.post(address, '[', { headers });
    expect(flawsIn('ingest', method, path, refused)).toEqual([]);
    const stranger = await muster.post(address, value, { headers: { authorization: 'Bearer no' } });
    expect([stranger.status, flawsIn('ingest', method, path, stranger)]).toEqual([401, []]);
  },
);

function flawsIn(api: (typeof APIS)[number], method: string, path: string, answer: Answer) {
  return flawsOf(documents[api], { method, path }, answer);
}
