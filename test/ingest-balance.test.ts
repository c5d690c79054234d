import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { IngestBalance } from '#storage';
import { connectionsOf, createDatabase, type TestDatabase } from './support/database.js';

const hour = Math.floor(Date.now() / 3_600_000) * 3_600_000;

let database: TestDatabase;
let balance: IngestBalance;

beforeAll(async () => {
  database = await createDatabase();
  balance = new IngestBalance(connectionsOf(database.url));
});

afterAll(() => database.drop());

const announce = (lifeId: string, count: number) =>
  balance.store([
    { lifeId, acknowledged: [{ product: 'dcos', hour, count }], unconfirmed: [], refusals: [] },
  ]);

test('events that are acknowledged while a worker reads the queue are not lost', async () => {
  const lifeId = randomUUID();
  await announce(lifeId, 5);
  const queued = [{ batchId: randomUUID(), accepted: [{ product: 'dcos', hour, count: 5 }] }];
  const found = await balance.compare(async () => {
    await announce(lifeId, 12); // by another worker
    return queued;
  });
  expect(found).toEqual([]);
  // The next comparison has them.
  expect(await balance.compare(() => Promise.resolve(queued))).toMatchObject([{ lost: 7 }]);
});

test('a comparison that began earlier does not replace one with higher counts', async () => {
  const lifeId = randomUUID();
  const other = connectionsOf(database.url);
  await announce(lifeId, 20);
  await balance.compare(async () => {
    await announce(lifeId, 30);
    await balance.compare(() => Promise.resolve([]));
    return [];
  });
  const { rows } = await other.query('SELECT acknowledged::int FROM ingest_expected');
  expect(rows).toEqual([{ acknowledged: 42 }]);
});
