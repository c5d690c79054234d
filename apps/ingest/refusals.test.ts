import type { FastifyRequest } from 'fastify';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Logger } from '#platform';
import { IngestCounts } from '#queue';
import { Refusals } from './refusals.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const MINUTE_MS = 60_000;

function start() {
  const logged: unknown[] = [];
  const logger = { warn: (line: unknown) => logged.push(line) } as unknown as Logger;
  const counts = new IngestCounts({ now: () => Date.now() });
  const refusals = new Refusals({ counts, logger, identityKey: 'for a test', products: [] });
  return { logged, refusals };
}

const request = (id: string) => ({ id, is404: true, headers: {} }) as FastifyRequest;

test('refusals are logged once a minute by code, with the request id of one of them', () => {
  const { logged, refusals } = start();
  refusals.ofRequest(request('first'), 'not_found');
  refusals.ofRequest(request('second'), 'not_found');
  refusals.ofConnection('malformed_http', 'third');
  refusals.ofConnection('tls_handshake');
  vi.advanceTimersByTime(MINUTE_MS - 1);
  expect(logged).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(logged).toEqual([
    { code: 'not_found', requests: 2, events: 0, requestId: 'first' },
    { code: 'malformed_http', requests: 1, events: 0, requestId: 'third' },
    { code: 'tls_handshake', requests: 1, events: 0 },
  ]);
  refusals.ofRequest(request('fourth'), 'not_found');
  vi.advanceTimersByTime(MINUTE_MS);
  expect(logged).toHaveLength(4);
  vi.advanceTimersByTime(10 * MINUTE_MS);
  expect(logged).toHaveLength(4);
});

test('a stop logs what is left of the minute, and nothing after that', () => {
  const { logged, refusals } = start();
  refusals.ofRequest(request('first'), 'not_found');
  refusals.stop();
  expect(logged).toHaveLength(1);
  refusals.ofRequest(request('second'), 'not_found');
  vi.advanceTimersByTime(MINUTE_MS);
  expect(logged).toHaveLength(1);
});
