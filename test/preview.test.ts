import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { balanceOf } from './support/balance.js';
import { startMuster, type Muster } from './support/muster.js';
import { startRedis, type PrivateRedis } from './support/redis.js';
import { emptyTables, readTables } from './support/tables.js';
import { comparable, PREVIEWED_VIEWS, readViews, together } from './support/views.js';

type Json = ReturnType<typeof JSON.parse>;
type Headers = Record<string, string>;

const FIXTURES = 'test/fixtures';
const KEYS = { dcos: 'TESTWRITEKEY', resoto: 'phc_TEST', octopus: 'wk_octopus' };
const keyOf = (product: keyof typeof KEYS) => ({ authorization: `Bearer ${KEYS[product]}` });

let muster: Muster;

beforeAll(async () => {
  muster = await startMuster({
    keepAlive: true,
    writeKeys: KEYS,
    moreKeys: { resoto: 'phc_resoto_public' },
  });
});

afterAll(() => muster.stop());

beforeEach(async () => {
  await muster.drained();
  await emptyTables(muster.owner);
});

type Body = string | Buffer | object;

async function preview(body: Body, headers: Headers, query = ''): Promise<Json> {
  const { status, json } = await muster.post(`/v1/preview${query}`, body, { headers });
  expect({ status, success: json.success }).toEqual({ status: 200, success: true });
  return json;
}

/** Sends the previewed request and expects exactly the previewed rows. */
async function expectStored(
  { events }: Json,
  send: () => Promise<{ status: number }>,
  clock: 'agent' | 'ours' = 'ours',
) {
  expect((await send()).status).toBeOneOf([200, 202]);
  await muster.drained();
  const stored = await readViews(muster.analyst);
  expect(comparable(together(events), clock)).toStrictEqual(comparable(stored, clock));

  const originals = await muster.owner('SELECT envelope FROM original_event');
  const withoutTime = ({ receivedAt, ...kept }: Json) => JSON.stringify(kept);
  const kept = events.map((event: Json) => event.kept).filter(Boolean);
  expect(kept.map(withoutTime).sort()).toEqual(
    originals.map(({ envelope }) => withoutTime(envelope)).sort(),
  );
  return stored;
}

describe('the preview of a captured request shows exactly what the request leaves in Postgres', () => {
  const files = readdirSync(`${FIXTURES}/requests`).filter((name) => name.endsWith('.http'));
  const products = Object.entries({ dcos: /^(dcos|segment)/, resoto: /^(resoto|posthog)/ });

  test.each(files)('%s', async (file) => {
    const raw = readFileSync(`${FIXTURES}/requests/${file}`);
    const [product] = products.find(([, agent]) => agent.test(file))! as [
      'dcos' | 'resoto',
      RegExp,
    ];
    const body = raw.subarray(raw.indexOf('\r\n\r\n') + 4);
    const isGzip = body[0] === 0x1f;
    const shown = await preview(isGzip ? gunzipSync(body) : body, keyOf(product));
    if (isGzip) {
      // The key is in the body.
      const { events } = await preview(body, { 'content-encoding': 'gzip' });
      const rows = (of: Json[]) => comparable(together(of), 'ours');
      expect(rows(events)).toStrictEqual(rows(shown.events));
    }
    const stored = await expectStored(shown, () => muster.replay(raw));
    expect(stored.reports!.length).toBeGreaterThan(0);
  });
});

describe('the preview of a printed report shows exactly what the report leaves in Postgres', () => {
  const files = ['printed', 'documents'].flatMap((folder) =>
    readdirSync(`${FIXTURES}/${folder}`).map((name) => `${folder}/${name}`),
  );

  test.each(files.filter((file) => !file.includes('as-printed')))('%s', async (file) => {
    const text = readFileSync(`${FIXTURES}/${file}`, 'utf8');
    const headers = keyOf('dcos');
    const shown = await preview(text, headers);
    expect(shown.dialect).toBe('report');
    await expectStored(shown, () => muster.post('/v1/reports', text, { headers }));
  });

  test('with typographic quotes is refused like the report itself', async () => {
    const text = readFileSync(`${FIXTURES}/documents/composite-as-printed.json`, 'utf8');
    const [one, other] = await Promise.all(
      ['/v1/preview', '/v1/reports'].map((path) =>
        muster.post(path, text, { headers: keyOf('dcos') }),
      ),
    );
    expect(one!.status).toBe(400);
    expect(one!.json).toEqual(other!.json);
  });
});

const ID = '70b28f00-e38f-41b2-a723-aab344f535b9';

/**
 * A time on the agent's clock. Each is one second earlier than the previous one, so the first event
 * is the latest.
 */
const recent = (() => {
  let time = Date.now() - 90_000;
  return () => new Date((time -= 1000)).toISOString();
})();

/** An event of Muster's own dialect. */
function native(product: string, event: string, properties: object, more: object = {}) {
  const id = randomUUID();
  const of = { id, installationId: ID, product, event, occurredAt: recent() };
  return { ...of, properties, ...more };
}

const UNIT = { 'health-unit-a-b-service-total': 3, 'health-unit-a-b-service-unhealthy': 1 };

const NATIVE = {
  dcos: [
    // The latest event, because a preview does not know earlier opt-outs of an installation.
    native('dcos', 'opted_out', {}),
    native('dcos', 'health', { ...UNIT, environmentVersion: '2.1.0', variant: 'enterprise' }),
    native('dcos', 'health', { ...UNIT, 'health-unit-c-total': 1, provider: '/etc/passwd' }),
    native('dcos', 'mesos_track', { cpu_total: '12', cpu_used: -1, frameworks: [{ name: 'a' }] }),
    native('dcos', 'package_list', {
      package_list: [{ name: 'kafka' }, { name: 'kafka' }, { appId: '/alice@example.com' }, 7, 8],
    }),
    native('dcos', 'package_list', { package_list: null }),
    native('dcos', 'page', { path: '/services/detail/alice', appVersion: '1.2.3', title: 'Alice' }),
    native('dcos', 'health', { note: 'no unit', nested: [{ of: ['alice'] }] }),
    native('dcos', 'unheard.of', { alice: 'alice@example.com', count: 1 }),
    native('dcos', 'Alice Liddell', { alice: 'alice@example.com' }),
  ],
  resoto: [
    native('resoto', 'system.started', { version: '3.9.0', system: 'Linux', cpu_count: 8 }),
    native('resoto', 'cli.command', { commands: -1, command_names: ['list', 7, 8, 'a b'] }),
    native('resoto', 'task-handler.task-completed', { success: true, duration: 8.5 }),
    native('resoto', 'error.server', { kind: 'KeyError', message: "'alice'", count: 'many' }),
    native('resoto', 'ui.clicked', { constructor: 1, toString: { a: 1, b: 2 }, duration_s: 2 }),
    native('resoto', 'ui.waited', { duration_s: { a: 1.5, b: 2 }, ['__proto__x']: 3 }),
  ],
  octopus: [
    native('octopus', 'telemetry', {
      ...{ version: '2021.2.7428', license_serial_sha1: 'a'.repeat(40), memory: 1_048_576 },
      ...{
        deployment_targets: { ssh: 2, 'alice.example.com': 1 },
        last_metadata_event: '2026-10-01',
      },
      ...{ deployment_steps: [1, 2], cpu: 'much', container: 'yes', not_declared_yet: 12 },
    }),
    native('octopus', 'telemetry', {}),
    native('octopus', 'telemetry', { nothing: 'alice' }),
  ],
};

describe('the preview of events in Muster’s own dialect shows exactly what they leave in Postgres', () => {
  const products = Object.entries(NATIVE) as [keyof typeof NATIVE, Json[]][];

  test.each(products)('as a list, of %s', async (product, events) => {
    const headers = keyOf(product);
    const shown = await preview(events, headers);
    expect(shown.dialect).toBe('native');
    await expectStored(shown, () => muster.post('/v1/events', events, { headers }), 'agent');
  });

  test.each(products.flatMap(([, events]) => events))(
    'alone, $event with $properties',
    async (event) => {
      const headers = keyOf(event.product);
      const shown = await preview(event, headers);
      await expectStored(shown, () => muster.post('/v1/events', event, { headers }), 'agent');
    },
  );

  test('as NDJSON, where an invalid line does not affect the others', async () => {
    const [first, second] = NATIVE.dcos.map((event) => JSON.stringify(event));
    const lines = ['', first, '{"a":', '7', second, ''].join('\r\n');
    const headers = { ...keyOf('dcos'), 'content-type': 'application/x-ndjson' };
    const shown = await preview(lines, headers);
    let results: Json[] = [];
    await expectStored(
      shown,
      async () => {
        const { status, json } = await muster.post('/v1/events', lines, { headers });
        results = json.results;
        return { status };
      },
      'agent',
    );
    const said = shown.events.map(({ rejection }: Json) =>
      rejection ? { status: 'rejected', ...rejection } : { status: 'accepted' },
    );
    expect(said).toEqual(results);
    expect(results.map(({ code }) => code)).toEqual([
      ...[undefined, 'invalid_json', 'not_an_object', undefined],
    ]);
  });

  test('and has a rejected event with the code and path of its error', async () => {
    const good = NATIVE.dcos[0]!;
    const events = [
      { ...good, installationId: 'alice' },
      { ...good, product: 'resoto' },
      { ...good, occurredAt: 'yesterday' },
      { ...good, properties: 'alice' },
      { ...good, event: '' },
      7,
      good,
    ];
    const headers = keyOf('dcos');
    const shown = await preview(events, headers);
    const { json } = await muster.post('/v1/events', events, { headers });
    const said = shown.events.map(({ fate, rejection }: Json) =>
      fate === 'rejected' ? { status: fate, ...rejection } : { status: 'accepted' },
    );
    expect(said).toEqual(json.results);
    expect(said.map(({ code, path }: Json) => [code, path])).toEqual([
      ['invalid_guid', 'installationId'],
      ['product_mismatch', 'product'],
      [undefined, undefined],
      ['invalid_object', 'properties'],
      ['invalid_text', 'event'],
      ['not_an_object', ''],
      [undefined, undefined],
    ]);
  });
});

describe('the preview of Octopus’ daily payload shows exactly what it leaves in Postgres', () => {
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  const [{ properties }] = NATIVE.octopus as [Json];

  test.each([
    ['figures', properties],
    ['nothing', ''],
    ['an empty object', '{}'],
    ['null', 'null'],
  ])('of %s', async (_, payload) => {
    const headers = keyOf('octopus');
    const shown = await preview(payload, headers, `?installationId=${ID}&date=${yesterday}`);
    expect(shown.dialect).toBe('octopus');
    const path = `/api/telemetry/${ID}/${yesterday}`;
    await expectStored(shown, () => muster.post(path, payload, { headers }), 'agent');
    const { empty } = await balanceOf(muster.analyst, 'octopus');
    expect(empty).toBe(shown.events[0].fate === 'empty' ? 1 : 0);
  });

  test.each([
    ['invalid_guid', '?installationId=alice&date=2026-11-21'],
    ['invalid_timestamp', `?installationId=${ID}&date=yesterday`],
    ['invalid_guid', '?dialect=octopus'],
  ])('rejected as %s if the query is %s', async (code, query) => {
    const { events } = await preview(properties, keyOf('octopus'), query);
    expect(events).toMatchObject([{ fate: 'rejected', rejection: { code } }]);
  });
});

describe('the preview of what browsers and PostHog’s clients send shows exactly what is stored', () => {
  const event = (more: object = {}) => ({
    ...{ event: 'ui.page-view', distinct_id: ID, timestamp: recent(), uuid: randomUUID() },
    ...{ properties: { clicks: 2, page: '/inventory', token: 'phc_TEST' }, ...more },
  });
  const text = JSON.stringify([
    event(),
    event({ distinct_id: 'alice@example.com' }),
    event({ distinct_id: 'bob@example.com' }),
    event({ distinct_id: undefined, properties: { distinct_id: ID, clicks: 1 } }),
    7,
    event({ event: 'Alice clicked', properties: { who: 'alice', clicks: 1 } }),
  ]);
  const base64 = Buffer.from(text).toString('base64');
  const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

  test.each([
    ['JSON', text, {}],
    ['gzip without a header', gzipSync(text), { 'content-type': 'text/plain' }],
    ['plain JSON with a gzip header', text, { 'content-encoding': 'gzip' }],
    ['base64 in a form', `data=${encodeURIComponent(base64)}`, FORM],
    ['a form', `data=${encodeURIComponent(text)}`, FORM],
    ['base64', base64, {}],
  ])('as %s', async (_, body, headers: Headers) => {
    const shown = await preview(body, headers);
    expect(shown.dialect).toBe('posthog');
    expect(shown.events.map(({ fate }: Json) => fate)).toEqual([
      ...['stored', 'quarantined', 'quarantined', 'stored', 'quarantined', 'quarantined'],
    ]);
    await expectStored(shown, () => muster.post('/e/', body, { headers }), 'agent');
  });

  test('up to the size limit of PostHog’s batches', async () => {
    const large = gzipSync(text.padEnd(1_000_000));
    const shown = await preview(large, {});
    await expectStored(shown, () => muster.post('/e/', large), 'agent');
  });
});

test.each([
  ['segment', { batch: [] }, ''],
  ['segment', { batch: null }, ''],
  ['segment', { batch: [7, { type: 'track', event: 'health' }] }, ''],
  ['segment', { type: 'page', properties: { clusterId: ID } }, ''],
  ['segment', { writeKey: 'TESTWRITEKEY' }, ''],
  ['segment', { event: 'health', properties: { clusterId: ID, ...UNIT } }, '?dialect=segment'],
  ['posthog', { api_key: 'x', batch: [] }, ''],
  ['posthog', { batch: [null, { distinct_id: ID }] }, ''],
  ['posthog', [{ $distinct_id: ID }], ''],
  ['posthog', [{ properties: { distinct_id: ID } }], ''],
  ['posthog', { event: 'health' }, '?dialect=posthog'],
  ['native', [native('dcos', 'health', { distinct_id: ID })], ''],
  ['native', [7, { installationId: ID }], ''],
  ['native', { event: 'health' }, '?dialect=native'],
  ['report', { clusterId: ID, ...UNIT }, ''],
  ['report', { Event: 'health', ClusterId: ID, Properties: UNIT }, ''],
  ['report', { mesos: { event: 'mesos_track', properties: { clusterId: ID } } }, ''],
  ['octopus', { memory: 1 }, `?installationId=${ID}`],
])('the preview detects the dialect %s from %j%s', async (dialect, body, query) => {
  expect(await preview(body, keyOf('dcos'), query)).toMatchObject({ dialect });
});

test.each([
  ['of no dialect', { a: 1 }, ''],
  ['that is an empty list', [], ''],
  ['that is a list without objects', [7, 'text'], ''],
  ['that is null', 'null', ''],
  ['that is a string', '"text"', ''],
  ['that is empty', '', ''],
  ['with an unknown dialect', { batch: [] }, '?dialect=nonsense'],
  ['with a dialect named like a built-in property', { batch: [] }, '?dialect=constructor'],
])(
  'a preview of a body %s gets 400 unknown_dialect with the names of all dialects',
  async (_, body, query) => {
    const { status, json } = await muster.post(`/v1/preview${query}`, body, {
      headers: keyOf('dcos'),
    });
    const detail = expect.stringMatching(/native.*segment.*posthog.*octopus.*report/);
    expect({ status, json }).toEqual({
      status: 400,
      json: { success: false, code: 'unknown_dialect', message: detail, detail },
    });
  },
);

test.each([
  ['no key', {}, {}],
  ['a wrong key in the header', { authorization: 'Bearer wk_nobody' }, { api_key: 'phc_TEST' }],
  ['a wrong key in the body', {}, { api_key: 'wk_nobody' }],
])('a preview with %s gets 401', async (_, headers: Headers, more) => {
  const body = { batch: [{ distinct_id: ID }], ...more };
  const { status, json } = await muster.post('/v1/preview', body, { headers });
  expect({ status, code: json.code }).toEqual({ status: 401, code: 'unauthorized' });
});

describe('text that a preview drops', () => {
  test('from a browser’s call is listed with path and reason, without its value', async () => {
    const call = {
      ...{ type: 'page', userId: 'canary@example.com', anonymousId: 'canary-browser' },
      ...{ messageId: 'canary', context: { ip: 'canary' }, integrations: { canary: true } },
      properties: {
        ...{ clusterId: ID, path: '/services/canary', title: 'Canary', referrer: 'https://canary' },
        ...{ appVersion: 'canary', search: '' },
      },
    };
    const { events } = await preview(call, keyOf('dcos'));
    expect(JSON.stringify(events)).not.toMatch(/canary(?!":true)/i);
    expect(events[0].dropped).toEqual([
      { path: 'properties.referrer', reason: 'text_not_allowed' },
      { path: 'properties.title', reason: 'text_not_allowed' },
      { path: 'properties.appVersion', reason: 'malformed' },
      { path: 'userId', reason: 'hashed' },
      { path: 'anonymousId', reason: 'hashed' },
      { path: 'context', reason: 'not_read' },
      { path: 'integrations', reason: 'not_read' },
    ]);
  });

  test('from a usage event is listed with path and reason, without its value', async () => {
    const event = {
      ...{ event: 'cli.command', distinct_id: ID, $set: { name: 'canary' }, library: 'canary' },
      properties: {
        ...{ commands: 'canary', command_names: ['search', 'canary/of'], page: '/canary' },
        ...{ account_id: 4711, $current_url: 'https://canary', 'canary@example.com': 'canary' },
      },
    };
    const { events } = await preview(event, keyOf('resoto'));
    expect(JSON.stringify(events)).not.toMatch(/canary|4711/i);
    expect(events[0].dropped).toEqual([
      { path: 'properties.$current_url', reason: 'text_not_allowed' },
      { path: 'properties.[18]', reason: 'text_not_allowed' },
      { path: 'properties.account_id', reason: 'text_not_allowed' },
      { path: 'properties.command_names.[9]', reason: 'text_not_allowed' },
      { path: 'properties.page', reason: 'text_not_allowed' },
      { path: 'properties.commands', reason: 'not_a_number' },
      { path: '$set', reason: 'not_read' },
      { path: 'library', reason: 'not_read' },
    ]);
  });

  test('from a quarantined event is listed with path and reason, without its value', async () => {
    const properties = { who: 'canary', list: [{ of: 'canary' }, { of: 'canary' }], count: 3 };
    const event = native('dcos', 'Canary sings', properties, { extra: 'canary' });
    const { events } = await preview(event, keyOf('dcos'));
    expect(JSON.stringify(events)).not.toMatch(/canary/i);
    expect(events[0].dropped).toEqual([
      { path: 'event', reason: 'text_not_allowed' },
      { path: 'properties.who', reason: 'text_not_allowed' },
      { path: 'properties.list[].of', reason: 'text_not_allowed' },
      { path: 'extra', reason: 'not_read' },
    ]);
    expect(events[0].kept.properties).toEqual({
      ...{ who: { $length: 6 }, list: [{ of: { $length: 6 } }, { of: { $length: 6 } }] },
      count: 3,
    });
  });
});

test('previews cover every view of events in the schema fleet', async () => {
  const views = await muster.analyst(
    `SELECT table_name AS view FROM information_schema.views WHERE table_schema = 'fleet'`,
  );
  const others = views
    .map(({ view }) => view)
    .filter((view) => !PREVIEWED_VIEWS.includes(view) && !/^(daily|installation)_/.test(view));
  // These select from other views, or show the balance or declarations.
  expect(others.sort()).toEqual([
    ...['completeness', 'current_frameworks', 'current_health', 'current_metrics'],
    ...['current_packages', 'current_resources', 'dropped_properties', 'freshness'],
    ...['ingest_balance', 'metric_catalogue', 'product_cadences', 'product_versions'],
    ...['refusals', 'report_origins', 'version_fields'],
  ]);
});

describe('a preview', () => {
  let redis: PrivateRedis;
  let idle: Muster;

  beforeAll(async () => {
    redis = await startRedis();
    const ingestEnv = { REDIS_HOLD_MS: '0' };
    idle = await startMuster({ redisUrl: redis.url, workers: 0, ingestEnv });
  });

  afterAll(async () => {
    await idle.stop();
    await redis.stop();
  });

  const body = native('dcos', 'health', UNIT);
  const headers = { authorization: 'Bearer wk_dcos' };

  test('stores nothing: no job, no row, no change of the balance', async () => {
    await muster.post('/v1/events', NATIVE.dcos[0]!, { headers: keyOf('dcos') });
    await muster.drained();
    const tables = await readTables(muster.owner);
    await preview(NATIVE.dcos, keyOf('dcos'));
    await preview(NATIVE.octopus, keyOf('octopus'));
    await muster.drained();
    expect(await readTables(muster.owner)).toEqual(tables);

    const jobs = async () => (await idle.queue.getJobs()).length;
    expect((await idle.post('/v1/preview', body, { headers })).status).toBe(200);
    expect(await jobs()).toBe(0);
    expect((await idle.post('/v1/events', body, { headers })).status).toBe(202);
    expect(await jobs()).toBe(1);
  });

  test('shows at most 100 events, as a list or one a line', async () => {
    const lines = (count: number) => Array(count).fill(JSON.stringify(body));
    const asLines = (count: number) =>
      idle.post('/v1/preview', lines(count).join('\n'), {
        headers: { ...headers, 'content-type': 'application/x-ndjson' },
      });
    const asList = (count: number) =>
      idle.post('/v1/preview', `[${lines(count).join(',')}]`, { headers });
    for (const previewOf of [asLines, asList]) {
      expect((await previewOf(100)).status).toBe(200);
      expect(await previewOf(101)).toMatchObject({
        status: 413,
        json: { code: 'too_many_events' },
      });
    }
  });

  test('works while Redis is down', async () => {
    await redis.kill();
    expect((await idle.post('/v1/events', body, { headers })).status).toBe(503);
    const { status, json } = await idle.post('/v1/preview', body, { headers });
    expect(status).toBe(200);
    expect(json.events).toMatchObject([{ fate: 'stored' }]);
  });
});
