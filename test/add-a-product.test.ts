import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '#storage';
import { catalogueOf, ownDeclarations, readDeclaration } from '#telemetry';
import { startMuster, type Muster } from './support/muster.js';

let folder: string;
let muster: Muster;

/** Runs the example from the docs. */
beforeAll(async () => {
  const docs = await readFile('docs/add-a-product.md', 'utf8');
  const example = /```json\n([^]*?)```/.exec(docs)![1]!;
  folder = await mkdtemp(join(tmpdir(), 'muster-products-'));
  const declared = readDeclaration({
    ...JSON.parse(example),
    browserDistinctId: 'installation',
  });
  await writeFile(join(folder, 'acme.json'), JSON.stringify(declared));
  const env = { PRODUCTS_DIR: folder };
  muster = await startMuster({ writeKeys: { acme: 'wk_acme' }, ingestEnv: env, workerEnv: env });
  await migrate({
    databaseUrl: muster.databaseUrl,
    catalogue: catalogueOf([...ownDeclarations, declared]),
  });
});

afterAll(async () => {
  await muster.stop();
  await rm(folder, { recursive: true });
});

async function send(event: string, properties: object, id: string = randomUUID()) {
  const body = { installationId: id, product: 'acme', event, version: '1.2.0', properties };
  const { status } = await muster.post('/v1/events', body, {
    headers: { authorization: 'Bearer wk_acme' },
  });
  expect(status).toBe(202);
  await muster.drained();
  return id;
}

const rowsOf = (view: string, columns: string, id: string) =>
  muster.analyst(`SELECT ${columns} FROM fleet.${view} WHERE installation_id = $1 ORDER BY 1, 2`, [
    id,
  ]);

test('the metrics of a declared product are validated, stored and shown', async () => {
  const id = await send('daily_report', {
    ...{ edition: 'pro', os: 'Linux', owner: 'Alice Zygalski', debug_level: 3 },
    ...{ projects: 7, plugins: { auth: 2, homemade: 1 }, heap: 104_857_600, single_sign_on: 'no' },
    themes: 4,
  });
  expect(await rowsOf('metric_readings', 'metric, dimension, value, unit, is_known', id)).toEqual([
    { metric: 'heap', dimension: null, value: 104_857_600, unit: 'By', is_known: true },
    { metric: 'plugins', dimension: '*', value: 1, unit: '1', is_known: true },
    { metric: 'plugins', dimension: 'auth', value: 2, unit: '1', is_known: true },
    { metric: 'projects', dimension: null, value: 7, unit: '1', is_known: true },
    { metric: 'themes', dimension: null, value: 4, unit: null, is_known: false },
  ]);
  expect(await rowsOf('defects', 'path, reason', id)).toEqual([
    { path: 'single_sign_on', reason: 'not_a_flag' },
  ]);
  expect(await rowsOf('resource_readings', 'mem_used_mb, cpu_total', id)).toEqual([
    { mem_used_mb: 100, cpu_total: null },
  ]);
  expect(await rowsOf('installations', 'product, version, variant, platform', id)).toEqual([
    { product: 'acme', version: '1.2.0', variant: 'pro', platform: 'Linux' },
  ]);
});

test('usage of a declared product is stored with outcome and duration, and undeclared events are stored too', async () => {
  const id = await send('backup.completed', { ok: false, seconds: 12.5, target: '/mnt/backup' });
  await send('wizard.opened', { steps: 3 }, id);
  expect(await rowsOf('usage_events', 'event, outcome, duration_s, counters', id)).toEqual([
    {
      ...{ event: 'backup.completed', outcome: 'failed', duration_s: 12.5 },
      counters: { backups: { failed: 1 }, duration_s: 12.5 },
    },
    { event: 'wizard.opened', outcome: null, duration_s: null, counters: { steps: 3 } },
  ]);
});

test('a declared product’s web page may pass the installation’s id to posthog.identify', async () => {
  const id = randomUUID();
  const properties = { $lib: 'web', $is_identified: true, steps: 3 };
  const body = { api_key: 'wk_acme', distinct_id: id, event: 'wizard.opened', properties };
  expect((await muster.post('/e', body)).status).toBe(200);
  await muster.drained();
  expect(await rowsOf('usage_events', 'event, counters', id)).toEqual([
    { event: 'wizard.opened', counters: { steps: 3 } },
  ]);
});

test('errors of a declared product are stored with personal data scrubbed', async () => {
  const id = await send('crash', { class: 'OutOfMemory', text: 'no memory for alice@example.com' });
  expect(await rowsOf('error_reports', 'event, kind, message, count', id)).toEqual([
    { event: 'crash', kind: 'OutOfMemory', message: 'no memory for <email>', count: 1 },
  ]);
});

test('the preview supports a declared product', async () => {
  const body = {
    ...{ installationId: randomUUID(), product: 'acme', event: 'daily_report' },
    properties: { projects: 7, owner: 'Alice Zygalski' },
  };
  const { json } = await muster.post('/v1/preview', body, {
    headers: { authorization: 'Bearer wk_acme' },
  });
  expect(json.events[0].rows.metric_readings).toMatchObject([{ metric: 'projects', value: 7 }]);
  expect(json.events[0].dropped).toEqual([
    { path: 'properties.owner', reason: 'text_not_allowed' },
  ]);
});

test('metrics of a declared product appear in the catalogue and in the comments of the views', async () => {
  const catalogue = await muster.analyst(
    `SELECT event, metric, kind, unit, since FROM fleet.metric_catalogue WHERE product = 'acme' LIMIT 1`,
  );
  expect(catalogue).toEqual([
    { event: 'daily_report', metric: 'projects', kind: 'count', unit: '1', since: '1.0' },
  ]);
  const comments = await muster.owner(
    `SELECT col_description('fleet.metric_readings'::regclass, attnum) AS comment
       FROM pg_attribute WHERE attrelid = 'fleet.metric_readings'::regclass AND attname = 'metric'`,
  );
  expect(comments[0]!.comment).toContain('acme: projects, plugins, heap (By), single_sign_on');
});

test('the docs of a declared product are generated from its declaration', () => {
  const markdown = execFileSync(process.execPath, ['dist/tools/docs/catalogue.js'], {
    env: { PATH: process.env.PATH, PRODUCTS_DIR: folder },
  }).toString();
  expect(markdown).toContain('## acme');
  expect(markdown).toContain('| `heap` | bytes | By | 2^60 |  | Memory of the server. |');
});

test('ingest does not start with an invalid declaration, and the error names the place', async () => {
  const file = join(folder, 'broken.json');
  await writeFile(
    file,
    JSON.stringify({
      product: 'broken',
      about: 'It.',
      events: { e: { about: 'e', store: 'disk' } },
    }),
  );
  const start = startMuster({ workers: 0, ingestEnv: { PRODUCTS_DIR: folder } });
  await expect(start).rejects.toThrow(
    `${file}: events.e.store must be one of "metrics", "usage", "error".`,
  );
  await rm(file);
});
