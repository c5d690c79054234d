import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Rollups, TelemetryStore } from '#storage';
import { compileProducts, normalise, type EventEnvelope } from '#telemetry';
import { Asker, createDatabase, type TestDatabase } from './support/database.js';
import { emptyTables } from './support/tables.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const TODAY = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const OPTIONS = { products: compileProducts(), retentionMs: 400 * DAY_MS };
const suppressionKey = 'only-for-tests';

let database: TestDatabase;
let owner: Asker;
let store: TelemetryStore;
let rollups: Rollups;

beforeAll(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  store = new TelemetryStore({ databaseUrl: database.url, connections: 3, suppressionKey });
  rollups = new Rollups({ databaseUrl: database.url });
});

beforeEach(() => emptyTables(owner.ask));

afterAll(async () => {
  await store.close();
  await rollups.close();
  await owner.end();
  await database.drop();
});

const health = { 'health-unit-a-total': 3, 'health-unit-a-unhealthy': 1 };

interface Sent {
  id?: string;
  product?: string;
  event?: string;
  version?: string;
  receivedAt?: number;
  properties?: object;
}

/** An event of an installation, so many days ago, at an hour. */
function event(installationId: string, daysAgo: number, hour = 12, sent: Sent = {}): EventEnvelope {
  const occurredAt = TODAY - daysAgo * DAY_MS + hour * HOUR_MS;
  const {
    product = 'dcos',
    event = 'health',
    version = '2.1',
    properties = health,
    ...rest
  } = sent;
  return {
    ...{ receivedAt: TODAY, product, event, installationId, id: randomUUID() },
    occurredAt: new Date(occurredAt).toISOString(),
    properties: { ...properties, environmentVersion: version, version },
    ...rest,
  };
}

async function save(...envelopes: EventEnvelope[]) {
  await store.save({
    ...{ batchId: randomUUID(), gatheredAt: TODAY },
    accepted: envelopes.map(({ product, receivedAt: hour }) => ({ product, hour, count: 1 })),
    events: envelopes.map((envelope) => normalise(envelope, OPTIONS)),
  });
}

/** What a view shows, with days as how many of them ago. */
async function shown(view: string, columns: string, order = columns) {
  return owner.ask(
    `SELECT '${new Date(TODAY).toISOString()}'::date - day AS ago, ${columns} FROM fleet.${view} ORDER BY day, ${order}`,
  );
}

test('a day of a version tells who was there, was born, came back and fell silent', async () => {
  const [steady, brief, back] = [randomUUID(), randomUUID(), randomUUID()];
  for (const ago of [6, 5, 4, 3, 2, 1, 0]) await save(event(steady, ago));
  await save(event(brief, 5), event(back, 6), event(back, 1, 3), event(back, 1, 4));
  await rollups.refresh();
  const columns = 'active, born, returned, gone_silent, reports::int, reporting_hours::int';
  expect(await shown('daily_fleet', columns)).toEqual([
    { ago: 6, active: 2, born: 2, returned: 0, gone_silent: 0, reports: 2, reporting_hours: 2 },
    { ago: 5, active: 2, born: 1, returned: 0, gone_silent: 0, reports: 2, reporting_hours: 2 },
    { ago: 4, active: 1, born: 0, returned: 0, gone_silent: 1, reports: 1, reporting_hours: 1 },
    { ago: 3, active: 1, born: 0, returned: 0, gone_silent: 1, reports: 1, reporting_hours: 1 },
    { ago: 2, active: 1, born: 0, returned: 0, gone_silent: 0, reports: 1, reporting_hours: 1 },
    { ago: 1, active: 2, born: 0, returned: 1, gone_silent: 0, reports: 3, reporting_hours: 3 },
    { ago: 0, active: 1, born: 0, returned: 0, gone_silent: null, reports: 1, reporting_hours: 1 },
  ]);
});
