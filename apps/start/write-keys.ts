import { PolicyPublisher, RedisConnections } from '#queue';
import { Database, PolicyStore } from '#storage';

/** Registers the write keys in the database, and publishes them to ingest before it starts. */
export async function publishKeys(
  writeKeys: Record<string, string>,
  options: Record<'databaseUrl' | 'suppressionKey' | 'redisUrl' | 'queuePrefix', string>,
): Promise<void> {
  const { databaseUrl, suppressionKey, redisUrl, queuePrefix: prefix } = options;
  const database = new Database({ databaseUrl, name: 'muster-start', connections: 2 });
  const store = new PolicyStore({ database, suppressionKey });
  const ignore = () => undefined; // the workers publish the keys anyway
  const redis = new RedisConnections({ redisUrl, prefix, onError: ignore });
  const publisher = new PolicyPublisher(redis, store, ignore);
  try {
    await store.keys.register(writeKeys, 'start');
    await publisher.connected();
    await publisher.publish();
  } finally {
    await publisher.stop();
    redis.close();
    await database.close();
  }
}
