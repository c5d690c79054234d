import { connect } from 'node:tls';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { startMuster, type Muster } from './support/muster.js';

let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true, workers: 0 });
  admin = await startAdmin(muster, { ADMIN_METRICS_PORT: '0' });
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

const scrape = async () => {
  const answer = await fetch(`http://localhost:${admin.app.ready.metricsPort}/metrics`);
  return answer.text();
};

test('the admin API counts requests by route and status, and refusals by code', async () => {
  const id = randomUUID();
  await admin.ask('GET', '/v1/tokens');
  await admin.ask('GET', `/v1/erasures/${id}`);
  await admin.ask('GET', '/v1/tokens', undefined, { authorization: `Bearer ${id}` });
  await admin.ask('PUT', '/v1/tokens');
  await admin.ask('GET', `/${id}`);
  await admin.ask('GET', '/v1/erasures/%');
  await admin.ask('GET', `/queues/api/queues/envelopes/${id}`);
  await sendNoHttp();
  const requests = (method: string, route: string, status: number) =>
    `muster_admin_requests_total{method="${method}",route="${route}",status="${status}"} 1\n`;
  const refused = (code: string, route: string, count = 1) =>
    `muster_admin_refused_total{code="${code}",route="${route}"} ${count}\n`;
  await vi.waitFor(async () => {
    const text = await scrape();
    for (const sample of [
      requests('GET', '/v1/tokens', 200),
      requests('GET', '/v1/erasures/:id', 404),
      requests('GET', '/v1/tokens', 401),
      requests('PUT', '/v1/tokens', 405),
      requests('GET', 'none', 404),
      refused('not_found', '/v1/erasures/:id'),
      refused('unauthorized', '/v1/tokens'),
      refused('method_not_allowed', '/v1/tokens'),
      refused('not_found', 'none'),
      refused('bad_request', 'none'),
      refused('not_found', '/queues/api/queues/:queueName/:jobId'),
      refused('malformed_http', 'none'),
    ]) {
      expect(text).toContain(sample);
    }
    expect(text).not.toContain(id);
  }, 5000);
});

test('the metrics of the admin API include its certificate and its clock', async () => {
  const text = await scrape();
  const value = (name: string) => Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
  const now = Date.now() / 1000;
  expect(value('muster_certificate_not_before_timestamp_seconds')).toBeLessThan(now);
  expect(value('muster_certificate_not_after_timestamp_seconds')).toBeGreaterThan(now);
  expect(Math.abs(value('muster_clock_offset_seconds'))).toBeLessThan(1);
});

test('the public port of the admin API never serves metrics', async () => {
  expect((await admin.ask('GET', '/metrics')).status).toBe(404);
});

async function sendNoHttp(): Promise<void> {
  const socket = connect({ host: 'localhost', port: admin.app.ready.port, ca: muster.ca });
  await once(socket, 'secureConnect');
  socket.write('HELLO\r\n\r\n');
  await once(socket.resume(), 'close');
}
