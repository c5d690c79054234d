import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { json, text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from './run-command.js';

/** Has the fields that commands read from any response. */
const RESPONSE = {
  ...{ rows: {}, sent: [], event: {}, job: { state: 'complete' } },
  purge: { state: 'complete', removed: {} },
  erasure: { id: 'X', state: 'requested', removed: {}, failure: null },
  forgotten: { erasures: [], suppressions: 0, lifts: 0, reappeared: 0 },
};

/** Requests that the server received: method and path, with the names of all parameters. */
const received: { route: string; names: string[] }[] = [];
let server: Server;
let dataDir: string;
let adminUrl: string;

beforeAll(async () => {
  server = createServer((request, response) => void record(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  adminUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  dataDir = await mkdtemp(join(tmpdir(), 'muster-cli-'));
  const endpoints = { adminUrl, adminToken: 'token', caFile: '/nowhere/ca.pem' };
  await writeFile(join(dataDir, 'endpoints.json'), JSON.stringify(endpoints));
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(dataDir, { recursive: true });
});

async function record(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '', adminUrl);
  const hasBody = request.headers['content-type'] !== undefined;
  const body = hasBody ? ((await json(request)) as object) : {};
  const names = [...searchParams.keys(), ...Object.keys(body)];
  received.push({ route: `${request.method} ${pathname}`, names });
  response.end(JSON.stringify(RESPONSE));
}

async function run(words: string, env: Record<string, string> = { DATA_DIR: dataDir }) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const code = await runCommand(words.split(' '), { out, err, env });
  return { code, stdout: await text(out.end()), stderr: await text(err.end()) };
}

const PAGE = '--limit 1 --after X';
const TIMES = '--from 2026-01-31 --to 2026-02-28';
const FILTER = `--product X --event X --reason X --path X --version X ${TIMES}`;

const COMMANDS = [
  ...['erase X --dry-run', `erasures list --state X --installation X ${PAGE}`, 'erasures show X'],
  ...['erasures retry X', 'erasures certificate X', 'erasures key'],
  'erasures verify --dry-run --accept-loss',
  ...['installations show X', 'installations export X'],
  ...['keys create X', 'keys list --product X', 'keys rotate X', 'keys revoke X'],
  ...['tokens create X', 'tokens list', 'tokens revoke X'],
  ...['products list', 'products set X --key-limit 1'],
  ...['blocks create X --event X', 'blocks list', 'blocks remove X'],
  ...[`quarantine list ${FILTER} ${PAGE}`, `quarantine summary ${FILTER} --by X --limit 1`],
  ...['quarantine show X', `quarantine replay ${FILTER}`, 'quarantine discard --all'],
  ...[`quarantine jobs list ${PAGE}`, 'quarantine jobs show X'],
  'quarantine jobs retry X',
  ...[`purge --key X ${TIMES}`, `purges list --state X ${PAGE}`, 'purges show X'],
  'purges retry X',
  ...['queue', 'queue failed --limit 1', 'queue retry'],
  ...[`balance --product X ${TIMES} --limit 1`, 'housekeeping', `audit ${PAGE}`],
];

/** The health of a process, a page for browsers, and a second way to request an erasure. */
const NOT_COVERED = /^(GET \/(health\/|queues)|DELETE \/v1\/installations\/)/;

test('the command line covers every route of the admin API, with all parameters', async () => {
  received.length = 0;
  for (const words of COMMANDS) {
    const { code, stderr } = await run(`${words} --json`);
    expect.soft({ words, code, stderr }).toEqual({ words, code: 0, stderr: expect.any(String) });
  }
  for (const { route, names } of documentedRoutes().filter(
    ({ route }) => !NOT_COVERED.test(route),
  )) {
    const sent = received.filter((it) => it.route === route).flatMap((it) => it.names);
    expect.soft(received.map((it) => it.route)).toContain(route);
    expect.soft({ route, sent }).toEqual({ route, sent: expect.arrayContaining(names) });
  }
});

function documentedRoutes(): { route: string; names: string[] }[] {
  const file = new URL('../../docs/reference/admin.openapi.json', import.meta.url);
  const { paths } = JSON.parse(readFileSync(file, 'utf8')) as {
    paths: Record<string, Record<string, { parameters?: { name: string; in: string }[] }>>;
  };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [] }]) => ({
      route: `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, 'X')}`,
      names: parameters.filter((it) => it.in === 'query').map(({ name }) => name),
    })),
  );
}

test('it uses plain HTTP where npm start or ADMIN_URL does', async () => {
  expect(await run('housekeeping --json')).toMatchObject({ code: 0, stderr: '' });
  const env = { ADMIN_URL: adminUrl, ADMIN_TOKEN: 'token' };
  expect(await run('housekeeping --json', env)).toMatchObject({ code: 0, stderr: '' });
  const remote = await run('housekeeping', { ...env, ADMIN_URL: 'http://muster.example.com' });
  expect(remote).toMatchObject({ code: 1, stderr: expect.stringMatching(/unencrypted/) });
});

test.each([
  ['erase X', 'npm_config_dry_run', '--dry-run'],
  ['erase X', 'npm_config_dryrun', '--dry-run'],
  ['erase X', 'npm_config_mode', '--mode'],
  ['erasures verify', 'npm_config_dry_run', '--dry-run'],
  ['quarantine replay', 'npm_config_token_description', '--to'],
])('%s does nothing if npm took an option for itself (%s)', async (words, key, option) => {
  received.length = 0;
  const env = { DATA_DIR: dataDir, npm_lifecycle_event: 'muster', [key]: 'true' };
  const { code, stderr } = await run(words, env);
  expect({ code, stderr, received }).toEqual({
    ...{ code: 2, received: [] },
    stderr: expect.stringMatching(new RegExp(`^npm took ${option} for itself.*npm run muster -- `)),
  });
});

test('--json has its effect even if npm took it, because people set it in their .npmrc', async () => {
  const env = { DATA_DIR: dataDir, npm_lifecycle_event: 'muster', npm_config_json: 'true' };
  const { code, stdout } = await run('queue', env);
  expect({ code, response: JSON.parse(stdout) as object }).toEqual({ code: 0, response: RESPONSE });
});

test('the audit log shows the ids with which --after continues', async () => {
  const entry = { id: '41', at: 'now', actor: 'root', actorId: null, act: 'x', detail: {} };
  Object.assign(RESPONSE, { acts: [entry] });
  expect((await run('audit')).stdout).toMatch(/^ID .*\n41 /);
});
