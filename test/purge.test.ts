import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { PurgeStore } from '#storage';
import { connectionsOf } from './support/database.js';
import { EXPECTED } from './support/expected-rollups.js';
import { event, RolledUp } from './support/rolled-up.js';

const LEAKED = '0123456789abcdef';
const GOOD = 'fedcba9876543210';
const ALWAYS = { keyId: LEAKED, from: '2000-01-01T00:00:00.000Z', to: '2100-01-01T00:00:00.000Z' };

let it: RolledUp;
let purges: PurgeStore;

beforeAll(async () => {
  it = await RolledUp.create();
  purges = new PurgeStore(connectionsOf(it.database.appUrl));
});
beforeEach(() => it.empty());
afterAll(() => it.drop());

const by = (key: string, envelope: ReturnType<typeof event>) => ({ ...envelope, key });
const rows = async (select: string) =>
  (await it.ask(`SELECT t::text AS row FROM (${select}) t ORDER BY 1`)).map(({ row }) => row);
const balance = () => it.ask('SELECT * FROM fleet.ingest_balance');

test('what a leaked key sent can be seen and removed, and nothing else goes', async () => {
  const [fake, real] = [randomUUID(), randomUUID()];
  const broken = { properties: { 'health-unit-a-total': 'many' } };
  const unknown = { product: 'dcos', event: 'nobody.knows' };
  const ui = { event: 'dcos_login', properties: {} };
  await it.save(
    ...[by(LEAKED, event(fake, 3)), by(LEAKED, event(fake, 2, 12, broken))],
    ...[by(LEAKED, event(fake, 2, 13, unknown)), by(LEAKED, event(real, 2, 14))],
    ...[by(LEAKED, event(fake, 2, 15, ui)), by(GOOD, event(real, 2, 11))],
    ...[event(real, 1), by(GOOD, event(real, 1, 13, unknown))],
  );
  await it.rollups.refresh();
  const before = await balance();
  expect(await purges.sent(ALWAYS)).toMatchObject([
    { product: 'dcos', kind: 'health', events: 2, installations: 2, version: '2.1' },
    { product: 'dcos', kind: 'quarantined' },
    { product: 'dcos', kind: 'ui', events: 1, installations: 1 },
  ]);
  const { purge } = await purges.request(ALWAYS, 'erika');
  expect(await purges.runNext(new AbortController().signal)).toBe(purge.id);
  expect(await purges.get(purge.id)).toMatchObject({
    state: 'complete',
    requestedBy: 'erika',
    removed: { report: 3, quarantined_event: 2, installation: 1 },
  });
  expect(await purges.sent(ALWAYS)).toEqual([]);
  expect(await rows('SELECT installation_id FROM fleet.installations')).toEqual([`(${real})`]);
  expect(await rows('SELECT key_id FROM report JOIN origin USING (origin_id)')).toEqual([
    '("")',
    `(${GOOD})`,
  ]);
  expect(await rows('SELECT event FROM quarantined_event')).toHaveLength(1);
  await it.rollups.refresh();
  for (const [view, expected] of Object.entries(EXPECTED)) {
    expect(await rows(`SELECT * FROM fleet.${view}`), view).toEqual(await rows(expected));
  }
  expect(await balance()).toEqual(before);
});

test('a purge takes what was received in its time only, and the same twice is one', async () => {
  const id = randomUUID();
  const received = (time: string) =>
    by(LEAKED, { ...event(id, 0, 0), receivedAt: Date.parse(time) });
  const [day] = (await it.ask(`SELECT (current_date - 1)::text AS day`)).map(
    ({ day }) => day as string,
  );
  await it.save(received(`${day}T10:00:00Z`), received(`${day}T11:00:00Z`));
  const scope = { keyId: LEAKED, from: `${day}T11:00:00.000Z`, to: `${day}T12:00:00.000Z` };
  const first = await purges.request(scope, 'erika');
  expect(await purges.request(scope, 'erika')).toEqual({ purge: first.purge, isNew: false });
  await purges.runNext(new AbortController().signal);
  expect(await purges.runNext(new AbortController().signal)).toBeNull();
  expect(await it.ask('SELECT received_at FROM report')).toEqual([
    { received_at: new Date(`${day}T10:00:00Z`) },
  ]);
});

test('a purge that was interrupted is completed by another worker', async () => {
  await it.save(...Array.from({ length: 60 }, () => by(LEAKED, event(randomUUID(), 1))));
  const { purge } = await purges.request(ALWAYS, 'erika');
  await expect(purges.runNext(AbortSignal.abort())).rejects.toThrow();
  expect(await purges.runNext(new AbortController().signal)).toBeNull(); // it is still claimed
  await it.ask('UPDATE purge SET claimed_until = now()');
  expect(await purges.runNext(new AbortController().signal)).toBe(purge.id);
  expect(await it.ask('SELECT FROM installation')).toEqual([]);
  expect((await purges.get(purge.id))?.removed).toMatchObject({ report: 60, installation: 60 });
});

test('an installation whose key is changed in the course of a day has one description', async () => {
  const id = randomUUID();
  await it.save(by(LEAKED, event(id, 1, 11)), by(GOOD, event(id, 1, 13)));
  await it.rollups.refresh();
  expect(await it.ask('SELECT descriptions FROM fleet.installation_days')).toEqual([
    { descriptions: 1 },
  ]);
});
