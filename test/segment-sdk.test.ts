import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
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

test('Segment’s own client delivers the events of an application', async () => {
  const id = randomUUID();
  const application = report(eventsOf(id));
  await application.ended;
  expect(application.messages).toEqual([{ status: 200 }]);
  expect(await readingsOf(id)).toEqual(READINGS);
});

test('Segment’s own client keeps events while Redis is down, and each is stored once', async () => {
  const id = randomUUID();
  const before = await balanceOf(muster.analyst);
  await redis.kill();
  const application = report(eventsOf(id));
  await vi.waitFor(() => expect(application.messages).toEqual([{ status: 503 }]), 10_000);
  await redis.restart();
  await application.ended;
  expect(application.messages.at(-1)).toEqual({ status: 200 });
  expect(await readingsOf(id)).toEqual(READINGS);
  expect(await balanceOf(muster.analyst)).toEqual({
    ...before,
    accepted: before.accepted + 3,
    stored: before.stored + 3,
  });
});

/** Starts an application that tracks events, and collects the responses to its client. */
function report(events: object[]) {
  const { tls } = inject('services');
  const settings = { host: muster.ingestUrl, writeKey: 'wk_dcos', events };
  const child = fork('test/support/segment-application.mjs', [JSON.stringify(settings)], {
    env: { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: tls.certFile },
    execArgv: [],
  });
  const messages: unknown[] = [];
  child.on('message', (message) => messages.push(message));
  return { messages, ended: once(child, 'exit') };
}

function eventsOf(clusterId: string) {
  const about = { clusterId, environmentVersion: '2.1.0' };
  const of = (event: string, properties: object) => ({
    event,
    anonymousId: clusterId,
    properties: { ...about, ...properties },
  });
  return [
    of('health', {
      'health-unit-dcos-net-service-total': 3,
      'health-unit-dcos-net-service-unhealthy': 1,
    }),
    of('mesos_track', { cpu_total: 12, cpu_used: 3.35, frameworks: [{ name: 'marathon' }] }),
    of('package_list', { package_list: [{ name: 'kafka' }] }),
  ];
}

const READINGS = [['dcos-net-service', '3', '1'], ['12', '3.35'], ['marathon'], ['kafka']];

async function readingsOf(id: string) {
  await muster.drained();
  const rows = await muster.analyst(
    `SELECT 1 AS no, ARRAY[unit, total::text, unhealthy::text] AS reading
       FROM fleet.health_readings WHERE installation_id = $1
     UNION ALL SELECT 2, ARRAY[cpu_total::text, cpu_used::text]
       FROM fleet.resource_readings WHERE installation_id = $1
     UNION ALL SELECT 3, ARRAY[framework]
       FROM fleet.framework_readings WHERE installation_id = $1
     UNION ALL SELECT 4, ARRAY[package]
       FROM fleet.package_readings WHERE installation_id = $1
     ORDER BY no`,
    [id],
  );
  return rows.map(({ reading }) => reading);
}
