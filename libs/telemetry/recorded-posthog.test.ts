import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readPosthog } from './dialects/posthog.js';
import { requestContext } from './dialects/testing.js';
import type { EventEnvelope, ReceivedEnvelope } from './envelope.js';
import { parseJson } from './json.js';
import type { UnderstoodEvent } from './normalised-event.js';
import { normalise } from './normalise.js';
import { compileProducts } from './products/index.js';
import type { MetricSnapshot } from './report.js';

const options = { products: compileProducts(), retentionMs: 90 * 24 * 3_600_000 };

const resoto = 'resoto-3.9.0-PostHogEventSender.00.http';
const node = 'posthog-node-5.70.0.00.http';

/** What the events of a request say, as sentences; one with a type as `metric.type`. */
const figures: [file: string, event: string, said: string][] = [
  [resoto, '$identify', ''],
  [
    resoto,
    'system.installed',
    'docker_install 1, helm_install 0, installations 1, k8s_install 0, pip_install 0',
  ],
  [
    resoto,
    'system.started',
    'cpu_count 8, inside_docker 1, instances_started 1, mem_available 21567383552, mem_total 33567383552',
  ],
  [resoto, 'model.info', 'model_count 1043'],
  [resoto, 'subscriber.info', 'active 2, subscriber_count 3'],
  [
    resoto,
    'worker-queue.info',
    'outstanding_tasks 0, unassigned_tasks 0, worker_count 1, worker_tasks_count 12',
  ],
  [
    resoto,
    'cli.command',
    'command_lines 1, command_names.count 1, command_names.search 1, commands 2',
  ],
  [
    resoto,
    'graphdb.graph-merged',
    'batch 0, edges 2400, edges_created 0, edges_deleted 0, edges_updated 0, node_count_*.aws_ec2_instance 42, node_count_*.total 1200, nodes 1201, nodes_created 4, nodes_deleted 3, nodes_updated 30, providers.aws 1, updated 37, updated_roots 1',
  ],
  [resoto, 'graphdb.query.history', 'op_=~ 1, term_predicate 1'],
  [
    resoto,
    'task-handler.task-started',
    'jobs_started 1, kind.Workflow 1, reason.schedule_trigger 1',
  ],
  [
    resoto,
    'task-handler.task-completed',
    'duration_s 812.1234, jobs_completed.succeeded 1, kind.Workflow 1, step_count 9',
  ],
  [resoto, 'ui.page-view', 'clicks 2'],
  [resoto, 'system.stopped', 'duration_s 3725, instances_long_running 1, instances_stopped 1'],
  [node, 'model.info', 'model_count 1043'],
  [node, 'graphdb.query.history', 'op_=~ 1, term_predicate 1'],
];

const errors: [file: string, event: string, errorKind: string, message: string][] = [
  [resoto, 'error.client', 'ParseError', 'expected one of <text>, <text> at <number>:<number>'],
  [resoto, 'error.server', 'KeyError', '<text>'],
  [resoto, 'error.action', '', 'Failed to collect account <number>'],
  [node, 'error.server', 'AttributeError', '<text> object has no attribute <text>'],
  [node, '$exception', 'Error', '<word> in collector'],
];

describe('a recorded request of PostHog’s clients', () => {
  test.each([
    [resoto, 16],
    [node, 10],
  ])('%s is understood, event by event', (file, count) => {
    const { events, envelopes, sent } = understood(file);
    expect(events).toHaveLength(count);
    for (const [index, event] of events.entries()) {
      const { timestamp, properties } = sent[index]!;
      expect(event).toMatchObject({ product: 'resoto', clock: 'agent' });
      expect(event.observedAt).toBe(Date.parse(timestamp));
      expect(event.description.version).toBe(properties.version ?? null);
      expect(event.description.source).toBe(properties.source ?? null);
    }
    expect(new Set(events.map(({ eventKey }) => eventKey)).size).toBe(count);
    expect(new Set(events.map(({ installationId }) => installationId)).size).toBe(1);
    const isNode = file === node;
    expect(envelopes.every((it) => 'id' in it)).toBe(isNode);
    // Version 1 of a GUID has the time and the machine in it.
    const id = sent[0]!.distinct_id;
    expect(events[0]!.installationId === id).toBe(isNode);
  });

  test.each(figures)('%s: %s has the values %j', (file, event, said) => {
    expect(saidBy(find(file, event))).toBe(said);
  });

  test.each(errors)('%s: %s is a %j with the message %j', (file, event, errorKind, message) => {
    const { snapshot, kind } = find(file, event);
    expect(kind).toBe('error');
    expect(snapshot).toMatchObject({ event, errorKind, message, occurrences: 1 });
  });

  test.each([resoto, node])(
    '%s: the machine is described by the one event that starts it',
    (file) => {
      const { description, describes, resources } = find(file, 'system.started');
      expect(describes).toBe(true);
      expect(description).toMatchObject({
        version: '3.9.0',
        platform: 'Linux',
        source: 'resotocore',
      });
      const MB = 1024 * 1024;
      expect(resources).toMatchObject({
        cpuTotal: 8,
        memTotalMb: 33_567_383_552 / MB,
        memUsedMb: 12_000_000_000 / MB,
      });
      const others = understood(file).events.filter((event) => event.describes);
      expect(others).toHaveLength(1);
    },
  );

  test.each([
    [resoto, ['/inventory', '123456789012', 'glibc2', '02fc00000001', '-e56d-11f1', 'collect_and']],
    [node, ['boom', 'ph.mjs', 'c.shutdown', 'glibc2', '-45c9-11ee', 'run_main', 'collect_and']],
  ])('%s: identifying text is in no row: %j', (file, texts) => {
    const { events, body } = understood(file);
    const rows = JSON.stringify(events);
    for (const text of texts) {
      expect(body).toContain(text);
      expect(rows).not.toContain(text);
    }
  });
});

interface Sent {
  timestamp: string;
  distinct_id: string;
  event: string;
  properties: { version?: string; source?: string };
}

interface Request {
  batch: Sent[];
  sentAt?: string;
  sent_at?: string;
}

function understood(file: string) {
  const bytes = readFileSync(new URL(`../../test/fixtures/requests/${file}`, import.meta.url));
  const body = gunzipSync(bytes.subarray(bytes.indexOf('\r\n\r\n') + 4));
  const { batch: sent, ...request } = JSON.parse(body.toString()) as Request;
  const sentAt = request.sentAt ?? request.sent_at!;
  const context = requestContext({
    receivedAt: Date.parse(sentAt),
    product: 'resoto',
    newId: () => expect.fail('Every event has an id or a time.'),
  });
  const envelopes = readPosthog(parseJson(body, 20), context);
  return {
    body: body.toString(),
    envelopes: envelopes as EventEnvelope[],
    sent,
    events: read(envelopes),
  };
}

/** Events, which must not have defects. */
function read(envelopes: readonly ReceivedEnvelope[]): UnderstoodEvent[] {
  return envelopes.map((envelope) => {
    const event = normalise(envelope, options);
    expect(event).toMatchObject({ fate: 'stored', defects: [] });
    return event as UnderstoodEvent;
  });
}

function find(file: string, name: string): UnderstoodEvent {
  const { events, sent } = understood(file);
  return events[sent.findIndex(({ event }) => event === name)]!;
}

function saidBy({ snapshot }: UnderstoodEvent): string {
  const { metrics, dimensions, figures } = snapshot as MetricSnapshot;
  const lines = metrics.map((metric, n) => {
    return `${[metric, dimensions[n]].filter(Boolean).join('.')} ${figures[n]}`;
  });
  return lines.join(', ');
}
