import { expect, test } from 'vitest';
import { RedisConnections, StoreClock } from '#queue';
import { WorkerLoop } from './worker-loop.js';

test('a worker that is starting names the dependency that it lacks', async () => {
  const ignore = () => undefined;
  const options = { redisUrl: 'redis://127.0.0.1:1', prefix: 'none', onError: ignore };
  const connections = new RedisConnections(options);
  const clock = new StoreClock(connections, ignore);
  const shared = { clock, database: { check: () => Promise.resolve() } };
  const loop = new WorkerLoop({} as never, shared as never);
  const { redis, postgres, worker } = loop.dependencies();
  expect(await Promise.all([redis, postgres, worker])).toEqual(['unavailable', 'ok', 'starting']);
  clock.stop();
  connections.close();
});
