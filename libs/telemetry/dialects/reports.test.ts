import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventEnvelope } from '../envelope.js';
import type { EventOutcome } from './native.js';
import { readReport } from './reports.js';
import { codeOf, requestContext } from './testing.js';

const CLUSTER = '70b28f00-e38f-41b2-a723-aab344f535b9';

const composite = {
  cosmos: part('package_list', { package_list: [{ name: 'kafka' }] }),
  diagnostics: part('health', { 'health-unit-a-total': 1 }),
  mesos: part('mesos_track', { cpu_total: 8 }),
};
const flat = { clusterId: `${CLUSTER}\n`, 'health-unit-a-total': 1 };
const printedBy17 = {
  Event: 'health',
  UserId: '',
  ClusterId: `${CLUSTER}\n`,
  Properties: { clusterId: `${CLUSTER}\n`, 'health-unit-a-total': 1 },
};

describe('a printed report', () => {
  test('of three parts is read as three events, in a fixed order', () => {
    const { cosmos, diagnostics, mesos } = composite;
    const events = [
      accepted('new-1', 'package_list', cosmos.properties),
      accepted('new-2', 'health', diagnostics.properties),
      accepted('new-3', 'mesos_track', mesos.properties),
    ];
    expect(readReport(composite, requestContext())).toEqual(events);
    expect(readReport({ mesos, diagnostics, cosmos }, requestContext())).toEqual(events);
  });

  test('may lack parts', () => {
    const { mesos } = composite;
    const one = [accepted('new-1', 'mesos_track', mesos.properties)];
    expect(readReport({ mesos }, requestContext())).toEqual(one);
    expect(readReport({ cosmos: null, mesos, errors: ['x'] }, requestContext())).toEqual(one);
  });

  test('in the flat form is a health event', () => {
    expect(readReport(flat, requestContext())).toEqual([accepted('new-1', 'health', flat)]);
  });

  test('of 1.7 is the event that it names', () => {
    const one = accepted('new-1', 'health', printedBy17.Properties);
    expect(readReport(printedBy17, requestContext())).toEqual([one]);
  });

  test.each([null, 7, 'x', [], [composite], {}, { Event: 'health' }, { cosmos: null }])(
    'is not %j',
    (body) => {
      expect(codeOf(() => readReport(body, requestContext()))).toBe('unknown_report');
    },
  );

  test('is accepted for DC/OS only', () => {
    const octopus = requestContext({ product: 'octopus' });
    expect(codeOf(() => readReport(composite, octopus))).toBe('unsupported_product');
  });
});

const ARN = 'arn:aws:cloudformation:us-west-2:123456789012:stack/alice';

describe('a part of a report', () => {
  const { cosmos, mesos } = composite;

  test.each([
    ['no object', 7, 'invalid_object'],
    ['an object without properties', { event: 'health', anonymousId: CLUSTER }, 'invalid_object'],
    ['properties that are a list', { ...cosmos, properties: [] }, 'invalid_object'],
    ['an event without a name', { ...cosmos, event: undefined }, 'invalid_text'],
    ['an event called by a number', { ...cosmos, event: 7 }, 'invalid_text'],
    ['a cluster id that is none', part('health', {}, 'open /x: no such file'), 'invalid_guid'],
    ['a cloud resource of a cluster id', part('health', {}, ARN), 'invalid_guid'],
    ['no cluster id', { ...cosmos, properties: {}, anonymousId: null }, 'invalid_guid'],
  ])('that is %s costs only itself', (_, broken, code) => {
    expect(readReport({ cosmos: broken, mesos }, requestContext())).toEqual([
      { rejected: { code, path: 'cosmos', message: expect.stringMatching(/^[A-Z].+\.$/) } },
      accepted('new-1', 'mesos_track', mesos.properties),
    ]);
  });

  test('above the size limit is rejected without affecting the others', () => {
    const limited = requestContext({ isTooLarge: (it) => it === cosmos.properties });
    expect(readReport({ cosmos, mesos }, limited)).toMatchObject([
      { rejected: { code: 'event_too_large', path: 'cosmos' } },
      { accepted: { event: 'mesos_track' } },
    ]);
  });

  test('has its cluster id from the properties, or from anonymousId', () => {
    const other = '71159751-c28a-4a23-a279-d36ffc2fff40';
    const read = (properties: object) =>
      readReport(
        { mesos: { event: 'mesos_track', anonymousId: other, properties } },
        requestContext(),
      );
    expect(read({ clusterId: CLUSTER })).toMatchObject([{ accepted: { installationId: CLUSTER } }]);
    expect(read({})).toMatchObject([{ accepted: { installationId: other } }]);
  });

  test('whose cluster id reveals the machine gets a derived installation id', () => {
    const id = '70b28f00-e38f-11b2-a723-aab344f535b9';
    const [outcome] = readReport({ mesos: part('mesos_track', {}, id) }, requestContext());
    const derived = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab]/);
    expect(outcome).toMatchObject({ accepted: { installationId: derived } });
    const again = readReport(
      { Event: 'health', ClusterId: `${id}\n`, Properties: {} },
      requestContext(),
    );
    expect(again).toMatchObject([sameInstallation(outcome!)]);
  });

  test('is not quoted in the message that rejects it', () => {
    const id = 'open /SECRET: no such file or directory';
    const bodies = [
      { cosmos: 'SECRET', mesos: part('mesos_track', {}, id) },
      { clusterId: id },
      { Event: 'SECRET', ClusterId: id, Properties: {} },
      { cosmos: part('package_list', {}, `${ARN}/SECRET`) },
      { Event: { SECRET: 1 }, ClusterId: CLUSTER, Properties: {} },
    ];
    for (const body of bodies) {
      const outcomes = readReport(body, requestContext());
      expect(outcomes.every((outcome) => 'rejected' in outcome)).toBe(true);
      expect(JSON.stringify(outcomes)).not.toContain('SECRET');
    }
  });
});

describe('an Idempotency-Key', () => {
  test('identifies each part of a resent report', () => {
    const ids = (body: unknown, idempotencyKey: string) =>
      readReport(body, { ...requestContext(), idempotencyKey }).map((outcome) =>
        'accepted' in outcome && 'id' in outcome.accepted ? outcome.accepted.id : outcome,
      );
    const first = ids(composite, 'run-7');
    expect(ids(composite, 'run-7')).toEqual(first);
    expect(new Set(first).size).toBe(3);
    const others = [
      ...ids(composite, 'run-8'),
      ...ids(flat, 'run-7'),
      ...ids(printedBy17, 'run-7'),
    ];
    expect(new Set([...first, ...others]).size).toBe(first.length + others.length);
  });

  test('without text is ignored, so every report is new', () => {
    const same = requestContext();
    const once = readReport(flat, { ...same, idempotencyKey: '' });
    const again = readReport(flat, { ...same, idempotencyKey: undefined });
    expect([...once, ...again]).toMatchObject([
      { accepted: { id: 'new-1' } },
      { accepted: { id: 'new-2' } },
    ]);
  });
});

test('any printed JSON is read as a report or rejected with a code', () => {
  const parts = fc.record(
    { event: fc.anything(), anonymousId: fc.anything(), properties: fc.anything() },
    { requiredKeys: [] },
  );
  const keys = ['cosmos', 'diagnostics', 'mesos', 'clusterId', 'Event', 'ClusterId', 'Properties'];
  const bodies = fc.dictionary(fc.constantFrom(...keys), fc.oneof(parts, fc.anything()));
  fc.assert(
    fc.property(fc.oneof(bodies, fc.anything()), (body) => {
      const code = codeOf(() => {
        for (const outcome of readReport(body, requestContext())) {
          expect(Object.keys(outcome)).toEqual(['rejected']);
        }
      });
      expect(['none', 'unknown_report']).toContain(code);
    }),
  );
});

function part(event: string, readings: object, id = CLUSTER) {
  return { event, anonymousId: id, properties: { clusterId: id, ...readings } };
}

function sameInstallation(outcome: EventOutcome) {
  const envelope = 'accepted' in outcome && outcome.accepted;
  return { accepted: { installationId: envelope && (envelope as EventEnvelope).installationId } };
}

function accepted(id: string, event: string, properties: object) {
  const envelope = { receivedAt: 1, product: 'dcos', id, installationId: CLUSTER };
  return { accepted: { ...envelope, event, properties } };
}
