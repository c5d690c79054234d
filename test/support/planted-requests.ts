import { randomUUID } from 'node:crypto';
import { kinds } from './planted-kinds.js';
import { plantDated, plantNative, plantReports } from './planted-native.js';
import { plantPosthog } from './planted-posthog.js';
import { plantSegment } from './planted-segment.js';
import type { Planter } from './planted.js';

/** A request. The default method is `POST`. */
export interface Sent {
  method?: string;
  path: string;
  key: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** The write key of each product. */
export const KEYS = { dcos: 'TESTWRITEKEY', octopus: 'wk_octopus', resoto: 'phc_TEST' };

const BATCH = 250;
/** Every n-th event is also sent alone, and every n-th one to the preview. */
const ALONE = 23;
const SHOWN = 41;
const MAX_SHOWN = 100;

const CALLS = 'track t page p identify i screen s group g alias a'.split(' ');

/** Requests of every dialect. Their events have identifiers in every place. */
export function plantRequests(planter: Planter): Sent[] {
  return [
    ...segmentRequests(plantSegment(planter), planter),
    ...posthogRequests(plantPosthog(planter), planter),
    ...nativeRequests(planter),
    ...plantReports(planter).map((body, at): Sent => {
      const sent = json('/v1/reports', KEYS.dcos, body);
      return at % 2 === 0 ? sent : { ...sent, headers: { 'idempotency-key': `run ${at}` } };
    }),
    ...plantDated(planter).map((body) =>
      json(`/api/telemetry/${randomUUID()}/2026-11-21`, KEYS.octopus, body),
    ),
  ];
}

function segmentRequests(events: object[], planter: Planter): Sent[] {
  return [
    ...inBatches(events).map((batch, at) => {
      const sentAt = planter.plant(kinds[at % kinds.length]!, 'sentAt');
      return json(at % 2 === 0 ? '/v1/batch' : '/v1/import', KEYS.dcos, { batch, sentAt });
    }),
    ...every(events, ALONE).map((event, at) =>
      json(`/v1/${CALLS[at % CALLS.length]}`, '', { ...event, writeKey: KEYS.dcos }),
    ),
    ...inBatches(every(events, SHOWN), MAX_SHOWN).map((batch) =>
      json('/v1/preview', KEYS.dcos, { batch }),
    ),
  ];
}

function posthogRequests(events: object[], planter: Planter): Sent[] {
  return [
    ...inBatches(events).map((batch, at): Sent => {
      const sentAt = planter.plant(kinds[at % kinds.length]!, 'sentAt');
      if (at % 3 === 0) return json('/e/', KEYS.resoto, batch);
      if (at % 3 === 1) return json('/batch/', '', { api_key: KEYS.resoto, batch, sentAt });
      const headers = { 'posthog-request-timestamp': 'now' };
      return { ...json('/i/v1/analytics/events', KEYS.resoto, { batch }), headers };
    }),
    ...every(events, ALONE).map((event, at): Sent => {
      const text = JSON.stringify({ ...event, api_key: KEYS.resoto });
      const form = `data=${encodeURIComponent(Buffer.from(text).toString('base64'))}`;
      return { path: at % 2 === 0 ? '/capture' : '/i/v0/e/', key: '', body: form };
    }),
    ...inBatches(every(events, SHOWN), MAX_SHOWN).map((batch) =>
      json('/v1/preview', KEYS.resoto, { batch, api_key: KEYS.resoto }),
    ),
  ];
}

function nativeRequests(planter: Planter): Sent[] {
  return Object.entries(plantNative(planter)).flatMap(([product, events]) => {
    const key = KEYS[product as keyof typeof KEYS];
    return [
      ...inBatches(events).map((batch, at): Sent => {
        if (at % 2 === 0) return json('/v1/events', key, batch);
        const lines = batch.map((event) => JSON.stringify(event)).join('\n');
        const headers = { 'content-type': 'application/x-ndjson' };
        return { path: '/v1/events', key, headers, body: lines };
      }),
      ...inBatches(every(events, SHOWN), MAX_SHOWN).map((batch) => json('/v1/preview', key, batch)),
    ];
  });
}

function json(path: string, key: string, body: object): Sent {
  return { path, key, body: JSON.stringify(body) };
}

function every<T>(list: readonly T[], step: number): T[] {
  return list.filter((_, at) => at % step === 0);
}

function inBatches<T>(list: readonly T[], size = BATCH): T[][] {
  const count = Math.ceil(list.length / size);
  return Array.from({ length: count }, (_, at) => list.slice(at * size, (at + 1) * size));
}
