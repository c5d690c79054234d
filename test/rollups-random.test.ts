import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ErasureStore, Rollups, TelemetryStore } from '#storage';
import { compileProducts, normalise, type EventEnvelope } from '#telemetry';
import { carryOut } from './support/erasures.js';
import { Asker, createDatabase, type TestDatabase, connectionsOf } from './support/database.js';
import { Draw } from './support/draw.js';
import { EXPECTED, EXPECTED_CURRENT } from './support/expected-rollups.js';
import { atScale } from './support/scale.js';
import { emptyTables } from './support/tables.js';

const DAY_MS = 86_400_000;
const TODAY = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const OPTIONS = { products: compileProducts(), retentionMs: 400 * DAY_MS };
const suppressionKey = 'only-for-tests';

let database: TestDatabase;
let owner: Asker;
let stores: TelemetryStore[];
let refreshers: Rollups[];
let erasures: ErasureStore;

beforeAll(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  const { url: databaseUrl } = database;
  stores = [1, 2, 3].map(
    () => new TelemetryStore({ database: connectionsOf(databaseUrl), suppressionKey }),
  );
  refreshers = [1, 2].map(() => new Rollups(connectionsOf(databaseUrl)));
  erasures = new ErasureStore({ database: connectionsOf(databaseUrl), suppressionKey });
});

beforeEach(() => emptyTables(owner.ask));

afterAll(async () => {
  await owner.end();
  await database.drop();
});

type Kind = (draw: Draw) => { product: string; event: string; properties: object };

const dcos = (event: string, properties: object) => ({ product: 'dcos', event, properties });
const KINDS: readonly Kind[] = [
  (draw) =>
    dcos('health', {
      'health-unit-a-service-total': 3,
      'health-unit-a-service-unhealthy': draw.int(0, 1),
      ...(draw.int(0, 1) && { 'health-unit-b-timer-total': 2, 'health-unit-b-timer-unhealthy': 0 }),
      provider: draw.one(['aws', 'on-prem']),
      ...(draw.int(0, 1) && { remark: 'some text' }),
    }),
  (draw) =>
    dcos('mesos_track', {
      cpu_total: draw.one([0, 0.5, 8, 1e280]),
      mem_total: draw.one([1024, 3000]),
      frameworks: draw.one([[], [{ name: 'marathon' }], [{ name: 'kafka' }, { name: 'kafka' }]]),
      variant: draw.one(['open', 'enterprise']),
    }),
  (draw) =>
    dcos('package_list', {
      package_list: draw.one([null, [{ appId: '/kafka' }, { appId: '/hdfs' }]]),
    }),
  (draw) => dcos('page', { path: draw.one(['/nodes', '/services']) }),
  () => dcos('dcos_login', {}),
  () => dcos('opted_out', {}),
  () => dcos('opted_in', {}),
  () => dcos('opted_in', {}),
  (draw) => ({
    product: 'resoto',
    event: draw.one(['system.started', 'system.stopped', 'cli.command']),
    properties: { commands: draw.int(1, 3), total_seconds: draw.int(60, 62), system: 'Linux' },
  }),
  (draw) => ({
    product: 'resoto',
    event: 'error.server',
    properties: {
      ...{ kind: draw.one(['KeyError', 'ValueError']), message: 'no such key', count: 2 },
      ...(draw.int(0, 1) && { remark: 'some text' }),
    },
  }),
  (draw) => ({
    product: 'octopus',
    event: 'telemetry',
    properties: { environments: draw.int(1, 5), memory: 2 ** draw.int(20, 34), cpu: 7 },
  }),
];

let made = 0;

/** A random event of one of these installations. No two events have the same time. */
function draw(die: Draw, installations: readonly string[]): EventEnvelope {
  const { product, event, properties } = die.one(KINDS)(die);
  const version = die.one(['2.0', '2.1']);
  // Page views of one visitor around midnight, close enough to count as one.
  const isAtMidnight = event === 'page' && die.int(0, 1) === 1;
  const time = isAtMidnight ? die.int(-1400, 1400) : die.int(0, DAY_MS - 1);
  const occurredAt = TODAY - die.int(0, 12) * DAY_MS + (time - (time % 1000)) + (made++ % 1000);
  return {
    ...{ receivedAt: TODAY + die.int(0, 1000), product, event, id: randomUUID() },
    installationId: die.one(installations),
    occurredAt: new Date(occurredAt).toISOString(),
    properties: { ...properties, environmentVersion: version, version },
    ...((event === 'page' || event === 'dcos_login') && {
      userKey: `${die.int(1, 2)}`,
      visitorKey: '7',
    }),
  };
}

async function save(store: TelemetryStore, envelopes: EventEnvelope[]) {
  await store.save({
    ...{ batchId: randomUUID(), gatheredAt: TODAY },
    accepted: envelopes.map(({ product, receivedAt: hour }) => ({ product, hour, count: 1 })),
    events: envelopes.map((envelope) => normalise(envelope, OPTIONS)),
  });
}

/** Another copy of an earlier event. The copy received first counts. */
function again(die: Draw, sent: readonly EventEnvelope[]): EventEnvelope {
  const { id, installationId, product, event, receivedAt } = die.one(sent);
  const other = { ...draw(die, [installationId]), id, product, event };
  return { ...other, receivedAt: receivedAt + die.int(-500, 500) } as EventEnvelope;
}

const rows = (select: string) =>
  owner
    .ask(`SELECT t::text AS row FROM (${select}) t ORDER BY 1`)
    .then((all) => all.map(({ row }) => row as string));

async function expectViews(views: Readonly<Record<string, string>>) {
  for (const [view, expected] of Object.entries(views)) {
    expect(await rows(`SELECT * FROM fleet.${view}`), view).toEqual(await rows(expected));
  }
}

// The third history is the one that notices a change that is not marked.
test.each([3, 2, 1].slice(0, atScale(1, 3)))(
  'after any history, the daily views match the remaining reports (%i)',
  async (seed) => {
    const die = new Draw(seed);
    const installations = Array.from({ length: 8 }, () => randomUUID());
    const sent: EventEnvelope[] = [];
    for (let round = 0; round < 12; round += 1) {
      const batches = stores.map(() => {
        const fresh = Array.from({ length: die.int(1, 12) }, () => draw(die, installations));
        sent.push(...fresh);
        return [...fresh, ...Array.from({ length: die.int(0, 3) }, () => again(die, sent))];
      });
      const writing = batches.map((batch, writer) => save(stores[writer]!, batch));
      const refreshing = refreshers.filter(() => die.int(0, 1)).map((one) => one.refresh());
      const erasing = die.int(0, 3) === 0 ? [erase(die.one(installations))] : [];
      await Promise.all([...writing, ...refreshing, ...erasing]);
    }
    await refreshers[0]!.refresh();
    for (const view of ['daily_units', 'daily_upgrade_units', 'daily_dropped_properties']) {
      expect(await rows(`SELECT * FROM fleet.${view}`), view).not.toEqual([]);
    }
    await expectViews({ ...EXPECTED, ...EXPECTED_CURRENT });
    // Views of the current state are up to date without a refresh.
    await save(
      stores[0]!,
      installations.map((id) => draw(die, [id])),
    );
    await expectViews(EXPECTED_CURRENT);
    await refreshers[1]!.rebuild();
    await expectViews({ ...EXPECTED, ...EXPECTED_CURRENT });
  },
  120_000,
);

async function erase(installationId: string) {
  await erasures.request({ mode: 'erase', installationIds: [installationId] }, 'erika');
  await carryOut(erasures);
}
