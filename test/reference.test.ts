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

beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), 'muster-reference-'));
  await promisify(execFile)(process.execPath, ['dist/tools/docs/reference.js', made]);
  muster = await startMuster({ keepAlive: true, workers: 0 });
});

afterAll(async () => {
  await rm(made, { recursive: true });
  await muster.stop();
});

test.each(FILES)('docs/reference/%s matches the output of npm run docs', async (name) => {
  const [kept, generated] = await Promise.all(
    [`docs/reference/${name}`, join(made, name)].map((file) => readFile(file, 'utf8')),
  );
  expect(contentOf(name, kept!)).toEqual(contentOf(name, generated!));
});

test('docs/admin.md matches the output of npm run docs', async () => {
  const page = await readFile('docs/admin.md', 'utf8');
  expect(contentOf('admin.md', page)).toEqual(
    contentOf('admin.md', withRoutes(page, documents.admin)),
  );
});

test('apps/cli/admin-types.ts matches the output of npm run docs', async () => {
  const file = 'apps/cli/admin-types.ts';
  const options = { ...(await resolveConfig(file)), filepath: file };
  const types = await format(referenceTypes(documents.admin), options);
  expect(await readFile(file, 'utf8')).toBe(types);
});

/** Without its format, which Prettier takes seconds to make, and `npm run check` checks. */
function contentOf(name: string, text: string): unknown {
  return name.endsWith('.json') ? JSON.parse(text) : text.replace(/-{3,}/g, '---').split(/\s+/);
}

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
    expect([answer.status < 300, flawsIn(method, path, answer)]).toEqual([true, []]);
    const refused = await muster.post(address, '[', { headers });
    expect(flawsIn(method, path, refused)).toEqual([]);
    const stranger = await muster.post(address, value, { headers: { authorization: 'Bearer no' } });
    expect([stranger.status, flawsIn(method, path, stranger)]).toEqual([401, []]);
  },
);

function flawsIn(method: string, path: string, answer: Answer) {
  return flawsOf(documents.ingest, { method, path }, answer);
}
