import { describe, expect, test } from 'vitest';
import type { RequestContext } from '../envelope.js';
import { readPosthogV1 } from './posthog.js';
import { codeOf, requestContext } from './testing.js';

const SYSTEM = '7f0d6c3e-9a3d-4b5a-9d7e-0f5a2f1c9b11';
const RECEIVED_AT = Date.parse('2026-11-21T05:26:31Z');

const started = {
  event: 'system.started',
  distinct_id: SYSTEM,
  uuid: '01a1fc96-bf35-7097-be6c-64be984b8f40',
  timestamp: '2026-11-21T05:26:30.123456+00:00',
  properties: { version: '3.9.0', cpu_count: 8 },
};
const envelope = {
  receivedAt: RECEIVED_AT,
  product: 'resoto',
  id: started.uuid,
  installationId: SYSTEM,
  event: 'system.started',
  occurredAt: started.timestamp,
  properties: started.properties,
};
const sentAt = '2026-11-21T05:26:31Z';

describe('a request of the mode v1', () => {
  test('has a result for each of its events', () => {
    const isTooLarge = (it: unknown) => (it as typeof started).uuid === 'large';
    const lost = { ...started, uuid: 'lost', distinct_id: 'alice' };
    const batch = [
      started,
      lost,
      { ...started, uuid: 'large' },
      7,
      { ...started, uuid: undefined },
    ];
    const body = { created_at: sentAt, batch };
    const { envelopes, results } = readPosthogV1(body, sentAt, context({ isTooLarge }));
    expect(results).toEqual({
      [started.uuid]: { result: 'ok' },
      lost: { result: 'warning', details: 'installation_id_invalid' },
      large: { result: 'drop', details: 'event_too_large' },
    });
    expect(envelopes).toMatchObject([
      { ...envelope, sentAt },
      { rejection: { reason: 'installation_id_invalid' } },
      { installationId: SYSTEM, isTooLarge: true, properties: {} },
      { rejection: { reason: 'not_an_event', path: 'batch[3]' } },
      { installationId: SYSTEM, occurredAt: started.timestamp, sentAt },
    ]);
    expect(envelopes).toHaveLength(5);
  });

  test('has the sending time from its header', () => {
    const body = { created_at: 'x', sentAt: 'y', batch: [started] };
    expect(readPosthogV1(body, undefined, context()).envelopes).toEqual([envelope]);
    expect(readPosthogV1(body, sentAt, context()).envelopes).toEqual([{ ...envelope, sentAt }]);
  });

  test('may be empty', () => {
    for (const body of [{ batch: [] }, { batch: null }]) {
      expect(readPosthogV1(body, sentAt, context())).toMatchObject({ envelopes: [], results: {} });
    }
  });

  test.each([null, 7, 'x', { batch: 7 }, { batch: {} }])('is not %j', (body) => {
    expect(codeOf(() => readPosthogV1(body, sentAt, context()))).toBe('invalid_body');
  });

  test('is limited to the number of events that a job should carry', () => {
    const two = context({ maxEvents: 2 });
    const read = (count: number) =>
      readPosthogV1({ batch: Array(count).fill(started) }, sentAt, two);
    expect(read(2).envelopes).toHaveLength(2);
    expect(codeOf(() => read(3))).toBe('too_many_events');
  });

  test('may contain an event with an unusable id', () => {
    const batch = [{ ...started, uuid: '__proto__' }];
    const { results } = readPosthogV1({ batch }, sentAt, context());
    expect(JSON.stringify(results)).toBe('{"__proto__":{"result":"ok"}}');
  });
});

const context = (changes: Partial<RequestContext> = {}) =>
  requestContext({ receivedAt: RECEIVED_AT, product: 'resoto', ...changes });
