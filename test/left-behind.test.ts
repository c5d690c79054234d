import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startAdmin } from './support/admin.js';
import { startMuster } from './support/muster.js';

/** What keeps a process alive: open sockets, servers and timers, by type. */
function activeResources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const type of process.getActiveResourcesInfo()) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

async function startAndStop(): Promise<void> {
  const muster = await startMuster({
    ingestEnv: { INGEST_METRICS_PORT: '0' },
    workerEnv: { WORKER_HEALTH_PORT: '0' },
  });
  const admin = await startAdmin(muster, { ADMIN_METRICS_PORT: '0' });
  const event = { event: 'health', properties: {} };
  await muster.post('/v1/track', { writeKey: 'wk_dcos', ...event });
  await muster.drained();
  expect((await admin.ask('GET', '/v1/queue')).status).toBe(200);
  await admin.stop();
  await muster.stop();
}

test('stopped apps leave no socket, server or timer behind', async () => {
  // What is loaded once may stay.
  await startAndStop();
  await sleep(500);
  const before = activeResources();
  await startAndStop();
  await sleep(500);
  expect(activeResources()).toEqual(before);
});
