import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readReport } from './dialects/reports.js';
import { readSegmentBatch, readSegmentCall } from './dialects/segment.js';
import { requestContext } from './dialects/testing.js';
import type { ReceivedEnvelope, RequestContext } from './envelope.js';
import { parseJson } from './json.js';
import type { UnderstoodEvent } from './normalised-event.js';
import { normalise } from './normalise.js';
import { compileProducts } from './products/index.js';
import type { Snapshot } from './report.js';

const CLUSTER = '70b28f00-e38f-41b2-a723-aab344f535b9';
const options = { products: compileProducts(), retentionMs: 90 * 24 * 3_600_000 };
const fixtures = new URL('../../test/fixtures/', import.meta.url);

const requestsOfDcosSignal: [name: string, kind: string, version: string][] = [
  ['dcos-signal-1.7-27b9cef.00', 'health', '1.7-open'],
  ['dcos-signal-1.8-375a6a7.00', 'package_list', '1.8.8'],
  ['dcos-signal-1.8-375a6a7.01', 'mesos_track', '1.8.8'],
  ['dcos-signal-1.8-375a6a7.02', 'health', '1.8.8'],
  ['dcos-signal-1.10-7026c19.00', 'package_list', '1.10.11'],
  ['dcos-signal-1.10-7026c19.01', 'mesos_track', '1.10.11'],
  ['dcos-signal-1.10-7026c19.02', 'health', '1.10.11'],
  ['dcos-signal-2.1-a2040b7-ee.00', 'health', '2.1.0'],
  ['dcos-signal-2.1-a2040b7-ee.01', 'package_list', '2.1.0'],
  ['dcos-signal-2.1-a2040b7-ee.02', 'mesos_track', '2.1.0'],
];

describe('a recorded request', () => {
  test.each(readdirSync(new URL('requests', fixtures)))(
    '%s has the length that its header declares',
    (name) => {
      const { head, body } = recorded(name);
      expect(body.length).toBe(Number(/content-length: (\d+)/i.exec(head)![1]));
    },
  );

  test.each(requestsOfDcosSignal)('%s is understood as %s of %s', (name, kind, version) => {
    const { body } = recorded(`${name}.http`);
    const [event, ...others] = understood(readSegmentBatch(parseJson(body, 20), context(body)));
    const [sent] = (JSON.parse(body.toString()) as { batch: SentEvent[] }).batch;
    expect(others).toEqual([]);
    expect(event).toMatchObject({ kind, clock: 'agent', installationId: CLUSTER });
    expect(event!.observedAt).toBe(Date.parse(sent!.timestamp!.replace('+0000', 'Z')));
    expect(saidBy(event!)).toEqual(reread(sent!.properties));
    expect(event!.describes).toBe(true);
    expect(event!.description).toEqual({
      version,
      variant: sent!.properties.variant,
      provider: 'aws',
      platform: sent!.properties.platform ?? null,
      source: 'cluster',
      customerKey: sent!.properties.customerKey || null,
      licenseId: sent!.properties.licenseId ?? null,
    });
  });

  test('of analytics-node is read if it names an installation', () => {
    const { body } = recorded('segment-node-3.1.0.00.http');
    const envelopes = readSegmentBatch(parseJson(body, 20), context(body));
    const { batch: sent } = JSON.parse(body.toString()) as { batch: SentEvent[] };
    const events = understood(envelopes.slice(0, 6));
    expect(events.map(({ kind }) => kind)).toEqual([
      'health',
      'package_list',
      'mesos_track',
      'ui',
      'ui',
      'ui',
    ]);
    for (const [index, event] of events.entries()) {
      expect(event.installationId).toBe(CLUSTER);
      expect(event.observedAt).toBe(Date.parse(sent[index]!.timestamp!));
      if (index < 3) expect(saidBy(event)).toEqual(reread(sent[index]!.properties));
    }
    expect(events.slice(3).map(({ snapshot }) => snapshot)).toMatchObject([
      { action: 'identify', path: '', appVersion: '1.10.0' },
      { action: 'login', path: '', appVersion: '1.10.0' },
      { action: 'page_view', path: '/services/detail/[id]', appVersion: '1.10.0' },
    ]);
    // screen, group and alias name no cluster.
    expect(envelopes.slice(6).map((it) => 'rejection' in it && it.rejection.reason)).toEqual([
      'installation_id_missing',
      'installation_id_missing',
      'installation_id_missing',
    ]);
    expect(body.toString()).toContain('alice@example.com');
    expect(JSON.stringify(envelopes)).not.toContain('alice');
  });

  test('of the web UI is a page view of the cluster, not of the browser', () => {
    const { body } = recorded('dcos-ui-analytics.js.page.http');
    const envelopes = readSegmentCall('page', parseJson(body, 20), context(body));
    expect(understood(envelopes)).toMatchObject([
      {
        installationId: CLUSTER,
        kind: 'ui',
        observedAt: Date.parse('2026-11-21T05:36:16.599Z'),
        describes: false,
        description: { version: '1.10.11' },
        visitor: { userKey: null, visitorKey: expect.stringMatching(/^-?\d+$/) },
        snapshot: { action: 'page_view', path: '/login', appVersion: '1.10.0' },
      },
    ]);
    const browser = 'a4a0c4d3-f67e-486c-ad40-73e7bfc02955';
    expect(body.toString()).toContain(browser);
    expect(JSON.stringify(envelopes)).not.toContain(browser);
  });
});

describe('a recorded report', () => {
  const composite = ({ cosmos, diagnostics, mesos }: Printed) => [cosmos, diagnostics, mesos];
  const forms: [file: string, clusterId: string, partsOf: (printed: Printed) => SentEvent[]][] = [
    [
      'printed/dcos-signal-1.7-test-flag.json',
      CLUSTER,
      ({ Properties: properties }) => [{ properties }],
    ],
    ['printed/dcos-signal-2.1-test-flag.json', CLUSTER, composite],
    ['documents/composite.json', CLUSTER, composite],
    [
      'documents/flat-ping-1.7.json',
      '71159751-c28a-4a23-a279-d36ffc2fff40',
      (properties) => [{ properties }],
    ],
  ];

  test.each(forms)('%s is read with its content', (file, clusterId, partsOf) => {
    const body = readFileSync(new URL(file, fixtures));
    const envelopes = readReport(parseJson(body, 20), context(body)).map((outcome) =>
      'accepted' in outcome ? outcome.accepted : expect.fail(outcome.rejected.message),
    );
    const sent = partsOf(JSON.parse(body.toString()));
    const events = understood(envelopes);
    expect(events).toHaveLength(sent.length);
    for (const [index, event] of events.entries()) {
      const { properties } = sent[index]!;
      expect(saidBy(event)).toEqual(reread(properties));
      expect(event).toMatchObject({
        installationId: clusterId,
        description: { version: properties.environmentVersion },
        observedAt: event.receivedAt,
        clock: 'received',
      });
    }
  });

  test('of the documents names the packages and the frameworks that stand there', () => {
    const body = readFileSync(new URL('documents/composite.json', fixtures));
    const outcomes = readReport(parseJson(body, 20), context(body));
    const [cosmos, , mesos] = understood(
      outcomes.flatMap((outcome) => ('accepted' in outcome ? [outcome.accepted] : [])),
    );
    expect(cosmos!.snapshot).toMatchObject({ packages: ['kafka', 'spark'] });
    expect(mesos!.snapshot).toMatchObject({ frameworks: ['marathon', 'metronome'] });
    expect(mesos!.resources).toMatchObject({ cpuTotal: 8, memTotalMb: 28_036, diskUsedMb: 0 });
  });
});

function recorded(name: string): { head: string; body: Buffer } {
  const bytes = readFileSync(new URL(`requests/${name}`, fixtures));
  const end = bytes.indexOf('\r\n\r\n');
  return { head: bytes.subarray(0, end).toString('latin1'), body: bytes.subarray(end + 4) };
}

/** Received when it was sent, or at some time where it does not say. */
function context(body: Buffer): RequestContext {
  const sentAt = /"sentAt":"([^"]+)"/.exec(body.toString())?.[1] ?? '2026-11-21T06:00:00Z';
  return requestContext({ receivedAt: Date.parse(sentAt.replace('+0000', 'Z')) });
}

/** Events, which must not have defects. */
function understood(envelopes: readonly ReceivedEnvelope[]): UnderstoodEvent[] {
  return envelopes.map((envelope) => {
    const event = normalise(envelope, options);
    expect(event).toMatchObject({ fate: 'stored', defects: [] });
    return event as UnderstoodEvent;
  });
}

/** What a snapshot and its figures say, as plain sentences. */
function saidBy({ snapshot, resources }: UnderstoodEvent): string[] {
  const { cpuPercent = null, ...measured } = resources ?? {};
  expect(cpuPercent).toBeNull(); // no agent of DC/OS gives it
  const figures = Object.entries(measured).map(([figure, value]) => {
    const key = figure
      .replace(/Mb$/, '')
      .replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
    return `${key} is ${value}`;
  });
  return [...linesOf(snapshot), ...figures].sort();
}

function linesOf(snapshot: Snapshot): string[] {
  switch (snapshot.kind) {
    case 'health':
      return snapshot.units.map((unit, n) => {
        const type = snapshot.unitTypes[n]!;
        expect(unit.endsWith(`-${type}`)).toBe(true);
        return `${snapshot.unhealthy[n]} of ${snapshot.totals[n]} ${unit} are unwell`;
      });
    case 'packages':
      return snapshot.packages.map(
        (name, n) => `${snapshot.instances[n]} ${name} of version '${snapshot.versions[n]}'`,
      );
    case 'frameworks':
      return snapshot.frameworks.map((name, n) => `${snapshot.instances[n]} framework ${name}`);
    case 'ui':
    case 'metrics':
    case 'error':
      return [];
  }
}

interface SentProperties {
  environmentVersion: string;
  variant: string;
  platform?: string;
  customerKey?: string;
  licenseId?: string;
  frameworks?: { name: string }[];
  package_list?: {
    name?: string;
    appId?: string;
    packageInformation?: { packageDefinition: { name: string; version: string } };
  }[];
}

interface SentEvent {
  timestamp?: string;
  properties: SentProperties;
}

interface Printed extends SentProperties {
  cosmos: SentEvent;
  diagnostics: SentEvent;
  mesos: SentEvent;
  Properties: SentProperties;
}

/** The same sentences, read from the request in another and simpler way. */
function reread(properties: SentProperties): string[] {
  const text = JSON.stringify(properties);
  const units = [
    ...text.matchAll(/"health-unit-([^"]+)-total":(\d+),"health-unit-\1-unhealthy":(\d+)/g),
  ];
  expect(units.length * 2).toBe(text.split('"health-unit-').length - 1);
  const packages = (properties.package_list ?? []).map((it) => {
    const { name, version } = it.packageInformation?.packageDefinition ?? { name: it.name };
    return `1 ${name ?? it.appId?.slice(1)} of version '${version ?? ''}'`;
  });
  const figures = text.matchAll(/"((?:agents|cpu|mem|disk|task|framework)_\w+)":([\d.]+)/g);
  return [
    ...units.map(([, unit, total, unhealthy]) => `${unhealthy} of ${total} ${unit} are unwell`),
    ...(properties.frameworks ?? []).map(({ name }) => `1 framework ${name}`),
    ...packages,
    ...[...figures].map(([, key, value]) => `${key} is ${value}`),
  ].sort();
}
