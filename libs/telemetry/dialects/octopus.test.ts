import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RequestContext } from '../envelope.js';
import { readDatedReport } from './octopus.js';
import { requestContext } from './testing.js';

const address = { installationId: '70b28f00-e38f-41b2-a723-aab344f535b9', date: '2026-11-21' };
const payload = { version: '2021.2.0', projects: 3 };
const accepted = {
  receivedAt: 1,
  product: 'octopus',
  installationId: address.installationId,
  event: 'telemetry',
  occurredAt: '2026-11-21T00:00:00Z',
  properties: payload,
};

describe('the report of a day', () => {
  test('is an event of that day, identified by its content', () => {
    expect(readDatedReport(payload, address, context())).toEqual({ accepted });
    expect(readDatedReport(payload, address, context({ receivedAt: 2 }))).toEqual({
      accepted: { ...accepted, receivedAt: 2 },
    });
  });

  test.each([[''], [null], [{}]])('that is %j is empty', (body) => {
    expect(readDatedReport(body, address, context())).toEqual({
      accepted: { receivedAt: 1, product: 'octopus', empty: true },
    });
  });

  test('has its installation id normalised', () => {
    const installationId = '{70B28F00-E38F-41B2-A723-AAB344F535B9}';
    const outcome = readDatedReport(payload, { ...address, installationId }, context());
    expect(outcome).toEqual({ accepted });
  });

  test('gets a derived installation id if its id reveals the machine', () => {
    const installationId = '70b28f00-e38f-11b2-a723-aab344f535b9';
    const outcome = readDatedReport(payload, { ...address, installationId }, context());
    expect(outcome).toMatchObject({
      accepted: { ...accepted, installationId: expect.stringMatching(/^.{14}8.{3}-[89ab]/) },
    });
    expect(JSON.stringify(outcome)).not.toContain('aab344f535b9');
  });

  test.each([
    undefined,
    null,
    7,
    '',
    'SECRET',
    'arn:aws:cloudformation:us-west-2:123456789012:stack/SECRET',
    `${address.installationId}0`,
  ])('is of no installation %j', (installationId) => {
    const outcome = readDatedReport(payload, { ...address, installationId }, context());
    expect(outcome).toEqual(rejected('invalid_guid', 'installationId'));
    expect(JSON.stringify(outcome)).not.toContain('SECRET');
  });

  test.each([
    ...[
      undefined,
      null,
      20261121,
      '',
      'SECRET',
      '2026-11',
      '2026-1-1',
      '21.11.2026',
      '2026-11-21Z',
    ],
    ...[
      '2026-11-21T00:00:00Z',
      '2026-13-01',
      '2026-00-10',
      '2026-11-31',
      '2026-02-30',
      '2026-11-32',
    ],
    ...[' 2026-11-21', '2026-11-21\n', '2026/11/21'],
  ])('is of no day %j', (date) => {
    const outcome = readDatedReport(payload, { ...address, date }, context());
    expect(outcome).toEqual(rejected('invalid_timestamp', 'date'));
    expect(JSON.stringify(outcome)).not.toContain('SECRET');
  });

  test.each([7, true, 'SECRET', [], [payload]])('is not %j', (body) => {
    expect(readDatedReport(body, address, context())).toEqual(rejected('not_an_object', ''));
  });

  test('may be as large as the limit allows', () => {
    const isTooLarge = (it: unknown) => it === payload;
    const outcome = readDatedReport(payload, address, context({ isTooLarge }));
    expect(outcome).toMatchObject(rejected('event_too_large', ''));
    const { installationId } = address;
    expect(outcome).toMatchObject({ trace: { installationId, isTooLarge: true, properties: {} } });
  });

  test('always has exactly one outcome', () => {
    const addresses = fc.record({
      installationId: fc.oneof(fc.uuid(), fc.anything()),
      date: fc.oneof(fc.constant('2026-11-21'), fc.string(), fc.anything()),
    });
    fc.assert(
      fc.property(fc.anything(), addresses, (body, from) => {
        const outcome = readDatedReport(body, from, context());
        expect(Object.keys(outcome)).toHaveLength(1);
        if ('rejected' in outcome) expect(outcome.rejected.message).toMatch(/^The .+\.$/);
        else expect(outcome.accepted).toMatchObject({ receivedAt: 1, product: 'octopus' });
      }),
    );
  });
});

function rejected(code: string, path: string) {
  return { rejected: { code, path, message: expect.stringMatching(/^The .+\.$/) } };
}

const context = (changes: Partial<RequestContext> = {}) =>
  requestContext({
    product: 'octopus',
    newId: () => expect.fail('A report of a day is known by its content.'),
    ...changes,
  });
