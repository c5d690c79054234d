import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { balanceOf } from './support/balance.js';
import { startMuster, type Muster } from './support/muster.js';
import { startRedis, type PrivateRedis } from './support/redis.js';

let redis: PrivateRedis;
let muster: Muster;

beforeAll(async () => {
  redis = await startRedis();
  muster = await startMuster({ redisUrl: redis.url, ingestEnv: { REDIS_HOLD_MS: '0' } });
});

afterAll(async () => {
  await muster.stop();
  await redis.stop();
});

const OF = {
  version: '3.9.0',
  source: 'resotocore',
  run_id: 'a3f6a1b0-45c9-11ee-9c3f-0242ac120002',
};
const ERROR = 'no region for account 123456789012 of alice@example.com';

/**
 * Resoto's own analytics events: https://github.com/someengineering/resoto, resotocore/analytics.
 */
const EVENTS = [
  { identify: { run_id: OF.run_id, created_at: '2026-10-01T12:00:00Z' } },
  {
    event: 'system.started',
    properties: {
      ...{ ...OF, system: 'Linux', platform: 'Linux-6.1.0-x86_64-with-glibc2.36' },
      ...{ inside_docker: true, cpu_count: 8, mem_total: 33554432000, mem_available: 1048576 },
    },
  },
  {
    event: 'cli.command',
    properties: { ...OF, command_names: ['search', 'count'], command_lines: 1, commands: 2 },
  },
  {
    event: 'task-handler.task-completed',
    properties: {
      ...{ ...OF, task_descriptor_name: 'alice’s collection', kind: 'Workflow', success: false },
      ...{ duration: 812.1234, step_count: 9 },
    },
  },
  { event: 'graphdb.query.history', properties: { ...OF, predicate_names: ['name'], 'op_=~': 1 } },
  {
    event: 'error.server',
    properties: { ...OF, kind: 'KeyError', message: "no account '123456789012'", count: 3 },
  },
];

const ROWS = {
  installations: [
    {
      ...{ product: 'resoto', version: '3.9.0', variant: null, platform: 'Linux' },
      ...{ source: 'resotocore', opted_out: false },
    },
  ],
  usage: [
    usage('$identify', {}, { product_version: null, source: null }),
    usage('cli.command', { command_lines: 1, command_names: { search: 1, count: 1 }, commands: 2 }),
    usage('graphdb.query.history', { 'op_=~': 1 }),
    usage('system.started', {
      ...{ instances_started: 1, inside_docker: 1, cpu_count: 8 },
      ...{ mem_total: 33554432000, mem_available: 1048576 },
    }),
    usage(
      'task-handler.task-completed',
      {
        ...{ duration_s: 812.1234, step_count: 9, kind: { Workflow: 1 } },
        jobs_completed: { failed: 1 },
      },
      { outcome: 'failed', duration_s: 812.1234 },
    ),
  ],
  errors: [
    {
      ...{ product_version: null, source: 'resotoworker', event: '$exception', kind: 'TypeError' },
      ...{ message: 'no region for account <number> of <email>', count: 1 },
    },
    {
      ...{ product_version: '3.9.0', source: 'resotocore', event: 'error.server' },
      ...{ kind: 'KeyError', message: 'no account <text>', count: 3 },
    },
  ],
  resources: [{ cpu_total: 8, mem_total_mb: 32000, mem_used_mb: 31999 }],
};

function usage(event: string, counters: object, more: object = {}) {
  const of = { product_version: '3.9.0', source: 'resotocore', outcome: null, duration_s: null };
  return { event, ...of, ...more, counters };
}

describe.each([
  { mode: 'v0', path: '/batch/' },
  { mode: 'v1', path: '/i/v1/analytics/events' },
])('PostHog’s own client in mode $mode', ({ mode, path }) => {
  test('delivers the events of an application, and every value is stored', async () => {
    const id = randomUUID();
    const application = report(mode, { distinctId: id, events: EVENTS, error: ERROR });
    await application.ended;
    expect(application.messages).toEqual([{ path, status: 200 }]);
    expect(await rowsOf(id)).toEqual(ROWS);
    const times = await muster.analyst(
      `SELECT DISTINCT clock, observed_at BETWEEN received_at - interval '1 minute' AND received_at AS is_now
         FROM fleet.reports WHERE installation_id = $1`,
      [id],
    );
    expect(times).toEqual([{ clock: 'agent', is_now: true }]);
  });

  test('gets all flags as off, without an error', async () => {
    const id = randomUUID();
    const application = report(mode, { distinctId: id, events: [], flag: 'new-collector' });
    await application.ended;
    expect(application.messages).toContainEqual({ flag: ['off', 'off', false] });
    expect(application.messages.filter((said) => 'error' in said)).toEqual([]);
    const statuses = application.messages.flatMap((said) =>
      'status' in said ? [said.status] : [],
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  test('keeps events while Redis is down, and each is stored once', async () => {
    const id = randomUUID();
    await muster.drained();
    const before = await balanceOf(muster.analyst, 'resoto');
    await redis.kill();
    const application = report(mode, { distinctId: id, events: EVENTS, error: ERROR });
    await vi.waitFor(() => expect(application.messages).toEqual([{ path, status: 503 }]), 10_000);
    await redis.restart();
    await application.ended;
    expect(application.messages.at(-1)).toEqual({ path, status: 200 });
    expect(await rowsOf(id)).toEqual(ROWS);
    expect(await balanceOf(muster.analyst, 'resoto')).toEqual({
      ...before,
      accepted: before.accepted + EVENTS.length + 1,
      stored: before.stored + EVENTS.length + 1,
    });
  });
});

/** Starts an application, and collects the responses to its client. */
function report(mode: string, what: object) {
  const { tls } = inject('services');
  const settings = { host: muster.ingestUrl, key: 'wk_resoto', ...what };
  const child = fork('test/support/posthog-application.mjs', [JSON.stringify(settings)], {
    env: {
      PATH: process.env.PATH,
      NODE_EXTRA_CA_CERTS: tls.certFile,
      POSTHOG_CAPTURE_MODE: mode,
    },
    execArgv: [],
    silent: true,
  });
  const messages: object[] = [];
  child.on('message', (message) => messages.push(message as object));
  let output = '';
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => expect(code, output).toBe(0));
  return { messages, ended };
}

async function rowsOf(id: string) {
  await muster.drained();
  const ask = (columns: string, view: string, order: string) =>
    muster.analyst(
      `SELECT ${columns} FROM fleet.${view} WHERE installation_id = $1 ORDER BY ${order}`,
      [id],
    );
  const of = 'product_version, source, event';
  return {
    installations: await ask(
      'product, version, variant, platform, source, opted_out',
      'installations',
      'product',
    ),
    usage: await ask(`${of}, outcome, duration_s, counters`, 'usage_events', 'event'),
    errors: await ask(`${of}, kind, message, count`, 'error_reports', 'event'),
    resources: await ask('cpu_total, mem_total_mb, mem_used_mb', 'resource_readings', '1'),
  };
}
