import { gzipSync } from 'node:zlib';
import { kinds } from './planted-kinds.js';
import type { Sent } from './planted-requests.js';
import type { Planter } from './planted.js';

const HEADERS = [
  ...['user-agent', 'referer', 'origin', 'cookie', 'x-forwarded-for', 'authorization', 'accept'],
  ...['content-type', 'content-encoding', 'x-request-id', 'from', 'forwarded', 'accept-language'],
  ...['idempotency-key', 'posthog-request-timestamp', 'access-control-request-headers'],
];

const CLUSTER = '70b28f00-e38f-41b2-a723-aab344f535b9';

const ADDRESSES = [
  ...['GET /{}', 'POST /v1/{}', 'PUT /v1/track/{}', 'POST /v1/track?user={}', 'PATCH /v1/t?u={}'],
  ...['POST /api/telemetry/{}/2026-11-21', `POST /api/telemetry/${CLUSTER}/{}`, 'GET /%zz/{}'],
  ...['POST /v1/preview?dialect={}', 'POST /v1/preview?installationId={}&date={}'],
  ...['GET /health/ready?by={}', 'POST /i/v0/e?ip={}', 'OPTIONS /{}', 'POST /flags?token={}'],
];

const deep = (text: string) => `${'{"a":'.repeat(30)}${JSON.stringify(text)}${'}'.repeat(30)}`;

/** Bodies that every dialect rejects. */
const BROKEN: ((value: string) => string | Buffer)[] = [
  (value) => `{"batch": [{"event": "health", "userId": "${value}"`,
  (value) => value,
  (value) => `{"event": ${value}}`,
  (value) => `“${value}”`,
  (value) => deep(value),
  (value) => JSON.stringify({ writeKey: value, api_key: value, batch: [] }),
  (value) => JSON.stringify({ type: 'track', event: 'health', note: value.repeat(5000) }),
  (value) => JSON.stringify([value, null, 7, [value]]),
  (value) => JSON.stringify({ batch: [value, null, [value]], sentAt: value }),
  (value) => JSON.stringify({ batch: value, [value]: value }),
  (value) => gzipSync(JSON.stringify({ note: value })).subarray(0, 30),
  (value) => `data=${Buffer.from(`{"event": ${JSON.stringify(value)}`).toString('base64')}`,
];

const ROUTES = ['/v1/batch', '/v1/events', '/v1/reports', '/batch/', '/v1/preview'];

/** Invalid requests, and requests with an identifier outside their body. */
export function plantHttp(planter: Planter): Sent[] {
  return kinds.flatMap((kind) =>
    [
      ...HEADERS.map((name) => withHeader(name, planter.plant(kind, `header ${name}`))),
      ...ADDRESSES.map((address) => toAddress(address, planter.plant(kind, address))),
      ...BROKEN.map((make, at) =>
        ROUTES.slice(0, 2).map((_, way) => {
          const path = ROUTES[(at + way) % ROUTES.length]!;
          return { path, key: 'TESTWRITEKEY', body: make(planter.plant(kind, `broken ${at}`)) };
        }),
      ),
    ].flat(),
  );
}

function withHeader(name: string, value: string): Sent {
  const body = JSON.stringify({ type: 'track', event: 'health', properties: {} });
  return { path: '/v1/batch', key: 'TESTWRITEKEY', headers: { [name]: headerOf(value) }, body };
}

function toAddress(address: string, value: string): Sent {
  const [method = '', path = ''] = address.split(' ');
  const to = path.replaceAll('{}', encodeURIComponent(value));
  const hasBody = method === 'POST' || method === 'PUT';
  return { method, path: to, key: 'TESTWRITEKEY', ...(hasBody && { body: '{}' }) };
}

/** The part of a text that a header can hold. */
function headerOf(value: string): string {
  return value.normalize('NFD').replace(/[^\x20-\x7e]/g, '');
}

/** Bytes that are not HTTP, or barely. */
export function plantBytes(planter: Planter): Buffer[] {
  return kinds.flatMap((kind) => {
    const value = () => planter.plant(kind, 'no HTTP').replaceAll('\n', ' ');
    return [
      `GET /${value()} HTTP/9.9\r\nHost: x\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: x\r\n${value()}\r\n\r\n`,
      `POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: ${value()}\r\n\r\n`,
    ].map((text) => Buffer.from(text));
  });
}
