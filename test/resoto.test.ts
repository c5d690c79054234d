import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { balanceOf } from './support/balance.js';
import { startMuster, type Muster } from './support/muster.js';
import { emptyTables, readTables } from './support/tables.js';

type Json = ReturnType<typeof JSON.parse>;

const PYTHON = 'resoto-3.9.0-PostHogEventSender.00';
const NODE = 'posthog-node-5.70.0.00';

let muster: Muster;

beforeAll(async () => {
  muster = await startMuster({
    keepAlive: true,
    writeKeys: { resoto: 'phc_TEST' },
    moreKeys: { resoto: 'phc_resoto_public' },
  });
});

afterAll(() => muster.stop());

beforeEach(() => emptyTables(muster.owner));

describe.each([
  { agent: PYTHON, events: 16 },
  { agent: NODE, events: 10 },
])('the captured request of $agent', ({ agent, events }) => {
  test('gets exactly 200 and the body that PostHog’s clients expect', async () => {
    const { status, text } = await muster.replay(requestOf(agent));
    expect({ status, text }).toEqual({ status: 200, text: '{"status":"Ok"}' });
    await muster.drained();
    expect(await balanceOf(muster.analyst, 'resoto')).toMatchObject({
      accepted: events,
      stored: events,
    });
  });

  test('changes nothing when it is sent again with a later sentAt', async () => {
    await replay(requestOf(agent));
    const { balance, installations, ...tables } = await readTables(muster.owner);

    const later: Json = JSON.parse(gunzipSync(bodyOf(agent)).toString());
    later[later.sentAt ? 'sentAt' : 'sent_at'] = new Date().toISOString();
    const { status } = await muster.post('/batch/', later);
    expect(status).toBe(200);
    await muster.drained();
    const { balance: _, installations: __, ...again } = await readTables(muster.owner);
    expect(again).toEqual(tables);
    expect(await balanceOf(muster.analyst, 'resoto')).toMatchObject({
      stored: events,
      duplicate: events,
    });
  });
});

test('counters from Resoto’s own client are stored as rows that can be summed', async () => {
  await replay(requestOf(PYTHON));
  const counters = await muster.analyst(
    `SELECT counter, dimension, sum(value) AS value FROM fleet.usage_counters
      GROUP BY 1, 2 ORDER BY 1, 2`,
  );
  expect(counters.map(({ counter, dimension, value }) => [counter, dimension, value])).toEqual([
    ['active', null, 2],
    ['batch', null, 0],
    ['clicks', null, 2],
    ['command_lines', null, 1],
    ['command_names', 'count', 1],
    ['command_names', 'search', 1],
    ['commands', null, 2],
    ['cpu_count', null, 8],
    ['docker_install', null, 1],
    ['duration_s', null, 4537.1234],
    ['edges', null, 2400],
    ['edges_created', null, 0],
    ['edges_deleted', null, 0],
    ['edges_updated', null, 0],
    ['helm_install', null, 0],
    ['inside_docker', null, 1],
    ['installations', null, 1],
    ['instances_long_running', null, 1],
    ['instances_started', null, 1],
    ['instances_stopped', null, 1],
    ['jobs_completed', 'succeeded', 1],
    ['jobs_started', null, 1],
    ['k8s_install', null, 0],
    ['kind', 'Workflow', 2],
    ['mem_available', null, 21567383552],
    ['mem_total', null, 33567383552],
    ['model_count', null, 1043],
    ['node_count_*.aws_ec2_instance', null, 42],
    ['node_count_*.total', null, 1200],
    ['nodes', null, 1201],
    ['nodes_created', null, 4],
    ['nodes_deleted', null, 3],
    ['nodes_updated', null, 30],
    ['op_=~', null, 1],
    ['outstanding_tasks', null, 0],
    ['pip_install', null, 0],
    ['providers', 'aws', 1],
    ['reason', 'schedule_trigger', 1],
    ['step_count', null, 9],
    ['subscriber_count', null, 3],
    ['term_predicate', null, 1],
    ['unassigned_tasks', null, 0],
    ['updated', null, 37],
    ['updated_roots', null, 1],
    ['worker_count', null, 1],
    ['worker_tasks_count', null, 12],
  ]);
});

test('a job is stored with outcome and duration, and an undeclared event with its counters', async () => {
  await replay(requestOf(PYTHON));
  const rows = await muster.analyst(
    `SELECT event, source, outcome, duration_s, counters FROM fleet.usage_events
      WHERE event IN ('task-handler.task-completed', 'system.stopped', 'ui.page-view', '$identify')
      ORDER BY event`,
  );
  expect(rows).toEqual([
    { event: '$identify', source: null, outcome: null, duration_s: null, counters: {} },
    {
      ...{ event: 'system.stopped', source: 'resotocore', outcome: null, duration_s: 3725 },
      counters: { duration_s: 3725, instances_stopped: 1, instances_long_running: 1 },
    },
    {
      ...{ event: 'task-handler.task-completed', source: 'resotocore' },
      ...{ outcome: 'succeeded', duration_s: 812.1234 },
      counters: {
        ...{ duration_s: 812.1234, step_count: 9 },
        ...{ kind: { Workflow: 1 }, jobs_completed: { succeeded: 1 } },
      },
    },
    {
      ...{ event: 'ui.page-view', source: 'resotoui', outcome: null, duration_s: null },
      counters: { clicks: 2 },
    },
  ]);
});

test('errors have version, kind, count, and a message without personal data', async () => {
  await replay(requestOf(PYTHON));
  await replay(requestOf(NODE));
  const rows = await muster.analyst(
    `SELECT product_version, source, event, kind, message, count FROM fleet.error_reports
      ORDER BY event, kind`,
  );
  const of = { product_version: '3.9.0', source: 'resotocore', count: 1 };
  expect(rows).toEqual([
    {
      ...{ product_version: null, source: 'resotoworker', event: '$exception', kind: 'Error' },
      ...{ message: '<word> in collector', count: 1 },
    },
    {
      ...{ ...of, product_version: null, event: 'error.action', kind: null },
      message: 'Failed to collect account <number>',
    },
    {
      ...{ ...of, event: 'error.client', kind: 'ParseError' },
      message: 'expected one of <text>, <text> at <number>:<number>',
    },
    {
      ...{ ...of, event: 'error.server', kind: 'AttributeError' },
      message: '<text> object has no attribute <text>',
    },
    { ...of, event: 'error.server', kind: 'KeyError', message: '<text>' },
  ]);
});

test('errors that differ only in details have the same fingerprint, and other errors do not', async () => {
  const error = (message: string, version = '3.9.0', kind = 'KeyError') => ({
    ...{ event: 'error.server', distinct_id: '7f0d6c3e-9a3d-4b5a-9d7e-0f5a2f1c9b11' },
    ...{ timestamp: new Date().toISOString(), properties: { version, kind, message, count: 3 } },
  });
  const batch = [
    error("no account '123456789012'"),
    error("no account '210987654321'", '3.10.0'),
    error('no region'),
    error("no account '123456789012'", '3.9.0', 'ValueError'),
  ];
  await muster.post('/batch/', { api_key: 'phc_TEST', batch });
  await muster.drained();
  const rows = await muster.analyst(
    `SELECT count(DISTINCT fingerprint)::int AS fingerprints, sum(count)::int AS errors,
            max(length(fingerprint)) AS digits FROM fleet.error_reports`,
  );
  expect(rows).toEqual([{ fingerprints: 3, errors: 12, digits: 16 }]);
});

test('the machine’s resources are stored as resource readings, and its platform describes the installation', async () => {
  await replay(requestOf(NODE));
  const resources = await muster.analyst(
    `SELECT product_version, cpu_total, cpu_used, mem_total_mb, mem_used_mb FROM fleet.resource_readings`,
  );
  expect(resources).toEqual([
    {
      ...{ product_version: '3.9.0', cpu_total: 8, cpu_used: null },
      ...{ mem_total_mb: 33567383552 / 1024 / 1024, mem_used_mb: 12000000000 / 1024 / 1024 },
    },
  ]);
  const installations = await muster.analyst(
    `SELECT installation_id, product, version, platform, source, opted_out FROM fleet.installations`,
  );
  expect(installations).toEqual([
    {
      ...{ installation_id: '7f0d6c3e-9a3d-4b5a-9d7e-0f5a2f1c9b11', product: 'resoto' },
      ...{ version: '3.9.0', platform: 'Linux', source: 'resotocore', opted_out: false },
    },
  ]);
});

test('an id that reveals time and machine is always replaced by the same derived id', async () => {
  await replay(requestOf(PYTHON));
  const [{ installation_id }] = (await muster.analyst(
    'SELECT installation_id FROM fleet.installations',
  )) as [{ installation_id: string }];
  expect(installation_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8/);
  const own = '2f3fbe64-e56d-11f1-98d1-02fc00000001';
  const event = { event: 'system.stopped', distinct_id: `{${own.toUpperCase()}}`, properties: {} };
  await muster.post('/capture', { ...event, api_key: 'phc_TEST' });
  const { json } = await muster.post('/v1/preview', { ...event, api_key: 'phc_TEST' });
  await muster.drained();
  expect(json.events[0].installationId).toBe(installation_id);
  expect(await muster.analyst('SELECT installation_id FROM fleet.installations')).toHaveLength(1);
});

test.each(['usage-metrics.turned-off', 'opted_out'])(
  'an installation that sends %s is opted out, until it opts in again',
  async (name) => {
    const distinct_id = '7f0d6c3e-9a3d-4b5a-9d7e-0f5a2f1c9b11';
    const at = (event: string, minute: number) => ({
      ...{ event, distinct_id, properties: {} },
      timestamp: new Date(Date.now() - (60 - minute) * 60_000).toISOString(),
    });
    const state = async () => {
      await muster.drained();
      const [row] = await muster.analyst('SELECT opted_out, opted_out_at FROM fleet.installations');
      return { ...row, opted_out_at: row!.opted_out_at?.toISOString() ?? null };
    };
    const out = at(name, 10);
    await muster.post('/batch/', { api_key: 'phc_TEST', batch: [at('system.started', 20), out] });
    expect(await state()).toEqual({ opted_out: true, opted_out_at: out.timestamp });
    await muster.post('/batch/', { api_key: 'phc_TEST', batch: [at('opted_in', 5)] });
    expect(await state()).toMatchObject({ opted_out: true }); // arrived later, but happened before the opt-out
    await muster.post('/batch/', { api_key: 'phc_TEST', batch: [at('opted_in', 30)] });
    expect(await state()).toEqual({ opted_out: false, opted_out_at: null });
  },
);

async function replay(raw: Buffer): Promise<void> {
  const { status } = await muster.replay(raw);
  expect(status).toBe(200);
  await muster.drained();
}

function requestOf(agent: string): Buffer {
  return readFileSync(`test/fixtures/requests/${agent}.http`);
}

function bodyOf(agent: string): Buffer {
  const raw = requestOf(agent);
  return raw.subarray(raw.indexOf('\r\n\r\n') + 4);
}
