import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TelemetryStore } from '#storage';
import { compileProducts, normalise, type EventEnvelope, type ReceivedEnvelope } from '#telemetry';
import { Asker, createDatabase, type TestDatabase, connectionsOf } from './support/database.js';
import { atScale } from './support/scale.js';
import { emptyTables, readTables } from './support/tables.js';

const WORKERS = 3;
const OPTIONS = { products: compileProducts(), retentionMs: 400 * 86_400_000 };
const NOON = Date.UTC(2026, 10, 30, 12); // near the end of a month: copies fall into two partitions

let database: TestDatabase;
let owner: Asker;
let workers: TelemetryStore[];

beforeAll(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  workers = Array.from(
    { length: WORKERS },
    () =>
      new TelemetryStore({
        database: connectionsOf(database.url),
        suppressionKey: 'only-for-tests',
      }),
  );
});

afterAll(async () => {
  await owner.end();
  await database.drop();
});

test('the same events leave the same tables, in any order, repetition, batching and distribution over workers', async () => {
  await fc.assert(
    fc.asyncProperty(
      stream,
      fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
      async (events, dice) => {
        const once = await tablesAfter([events.map(copyOf)]);
        const shuffled = await tablesAfter(inRandomBatches(events, dice));
        expect(shuffled).toEqual(once);
      },
    ),
    { numRuns: atScale(8, 25) },
  );
}, 120_000);

test('an event repeated in other batches changes only the count of duplicates', async () => {
  await fc.assert(
    fc.asyncProperty(
      stream,
      fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
      async (events, dice) => {
        const { balance, ...once } = await tablesAfter([events.map(copyOf)]);
        const repeated = await tablesAfter(
          inRandomBatches([...events, ...events, ...events], dice),
        );
        const { balance: repeatedBalance, unidentified: _, ...rest } = repeated;
        const { unidentified: __, ...expected } = once;
        expect(rest).toEqual(expected);
        expect(repeatedBalance.every(({ unaccounted }) => unaccounted === '0')).toBe(true);
        const stored = (rows: typeof balance) => rows.map(({ hour, stored }) => ({ hour, stored }));
        expect(stored(repeatedBalance)).toEqual(stored(balance));
      },
    ),
    { numRuns: atScale(6, 15) },
  );
}, 120_000);

/**
 * Few installations and ids, so that copies, late copies and collisions are common. Opt-outs are
 * covered by opt-out-order.test.ts.
 */
const properties = fc.oneof(
  fc.record({
    'health-unit-a-service-total': fc.integer({ min: -1, max: 3 }),
    'health-unit-a-service-unhealthy': fc.constantFrom(0, 1),
    'health-unit-b-timer-total': fc.constantFrom(1, 2),
    'health-unit-b-timer-unhealthy': fc.constantFrom(0, '1\n', 'x'),
    environmentVersion: fc.constantFrom('1.8', '1.10', '2.1'),
    provider: fc.constantFrom('aws', 'on-prem', 'no such file'),
  }),
  fc.record({
    cpu_total: fc.constantFrom(4, 8),
    mem_total: fc.constantFrom(1024.5, -1),
    frameworks: fc.constantFrom(
      null,
      [{ name: 'marathon' }],
      [{ name: 'kafka' }, { name: 'kafka' }],
    ),
    variant: fc.constantFrom('open', 'enterprise'),
  }),
  fc.record({ package_list: fc.constantFrom(null, [{ appId: '/kafka' }], [{ appId: '/My App' }]) }),
  fc.record({
    version: fc.constantFrom('3.9.0', '3.10.0'),
    system: fc.constantFrom('Linux', 'a system'),
    total_seconds: fc.constantFrom(60, 4000),
    kind: fc.constantFrom('KeyError', 'no kind'),
    message: fc.constantFrom('no such key', 'no such key 17', 'no such value'),
    note: fc.constantFrom('', 'a note'),
    environments: fc.constantFrom(3, 'x'),
  }),
);

const KINDS = [
  ...['health', 'health', 'mesos_track', 'package_list', 'page', 'opted_in', 'unheard_of'].map(
    (event) => ({ product: 'dcos', event }),
  ),
  ...['system.started', 'system.stopped', 'error.server', 'graphdb.query.history'].map((event) => ({
    product: 'resoto',
    event,
  })),
  { product: 'octopus', event: 'telemetry' },
];

const envelope: fc.Arbitrary<ReceivedEnvelope> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .record({
        installation: fc.integer({ min: 1, max: 3 }),
        id: fc.option(fc.integer({ min: 1, max: 6 })),
        kind: fc.constantFrom(...KINDS),
        receivedMinute: fc.integer({ min: 0, max: 3000 }), // two days
        lateMinutes: fc.integer({ min: -5, max: 90 }),
        properties,
      })
      .map(({ installation, id, kind, receivedMinute, lateMinutes, ...rest }): EventEnvelope => {
        const receivedAt = NOON + receivedMinute * 60_000;
        return {
          receivedAt,
          ...kind,
          ...(kind.event === 'page' && { userKey: `${installation}`, visitorKey: '-7' }),
          installationId: `0000000${installation}-0000-4000-8000-000000000000`,
          ...(id !== null && { id: `m-${id}` }),
          occurredAt: new Date(receivedAt - lateMinutes * 60_000).toISOString(),
          ...rest,
        };
      }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      receivedAt: fc.constantFrom(NOON, NOON + 3_600_000),
      product: fc.constant('dcos'),
      rejection: fc.constant({ reason: 'installation_id_invalid' as const, path: 'anonymousId' }),
      keys: fc.subarray(['a', 'b']),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      receivedAt: fc.constant(NOON),
      product: fc.constant('dcos'),
      empty: fc.constant(true as const),
    }),
  },
);

const stream = fc.array(envelope, { minLength: 1, maxLength: 40 });

function copyOf(event: ReceivedEnvelope): ReceivedEnvelope {
  return structuredClone(event);
}

/** Splits the events into batches, in random order. */
function inRandomBatches(events: ReceivedEnvelope[], dice: number[]): ReceivedEnvelope[][] {
  const batches: ReceivedEnvelope[][] = dice.map(() => []);
  let seed = dice.reduce((sum, die) => (sum * 31 + die) >>> 0, 7);
  const throwDie = (sides: number) => {
    seed = (seed * 1_664_525 + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * sides);
  };
  for (const event of events) {
    const batch = batches[throwDie(batches.length)]!;
    batch.splice(throwDie(batch.length + 1), 0, copyOf(event));
  }
  return batches.filter((batch) => batch.length > 0);
}

/** Has the workers save the batches, some of them more than once, as a queue may redeliver them. */
async function tablesAfter(batches: ReceivedEnvelope[][]) {
  await emptyTables(owner.ask);
  const normalised = batches.map((envelopes) => ({
    batchId: randomUUID(),
    gatheredAt: NOON,
    accepted: countByHour(envelopes),
    events: envelopes.map((one) => normalise(one, OPTIONS)),
  }));
  const deliveries = normalised.flatMap((batch, index) =>
    index % 3 === 0 ? [batch, batch] : [batch],
  );
  await Promise.all(
    workers.map(async (worker, number) => {
      const mine = deliveries.filter((_, index) => index % WORKERS === number);
      await Promise.all(mine.map((batch) => worker.save(batch)));
    }),
  );
  return readTables(owner.ask);
}

function countByHour(envelopes: ReceivedEnvelope[]) {
  return envelopes.map(({ product, receivedAt }) => ({
    product,
    hour: Math.floor(receivedAt / 3_600_000) * 3_600_000,
    count: 1,
  }));
}
