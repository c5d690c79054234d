import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TelemetryStore } from '#storage';
import { compileProducts, normalise, type EventEnvelope } from '#telemetry';
import { Asker, connectionsOf, createDatabase, type TestDatabase } from './support/database.js';
import { atScale } from './support/scale.js';
import { emptyTables, readTables } from './support/tables.js';

const WORKERS = 3;
const OPTIONS = { products: compileProducts(), retentionMs: 400 * 86_400_000 };
const NOON = Date.UTC(2026, 10, 10, 12);
const MINUTE_MS = 60_000;

let database: TestDatabase;
let owner: Asker;
let workers: TelemetryStore[];

beforeAll(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  const connections = connectionsOf(database.url);
  workers = Array.from(
    { length: WORKERS },
    () => new TelemetryStore({ database: connections, suppressionKey: 'only-for-tests' }),
  );
});

afterAll(async () => {
  await owner.end();
  await database.drop();
});

/** Id and time of an event derive from its minute, so that copies have the same time. */
const event = (names: readonly string[]): fc.Arbitrary<EventEnvelope> =>
  fc
    .record({
      installation: fc.integer({ min: 1, max: 2 }),
      product: fc.constantFrom('dcos', 'resoto'),
      minute: fc.integer({ min: 0, max: 12 }),
      copy: fc.integer({ min: 0, max: 2 }),
      place: fc.nat({ max: names.length - 1 }),
    })
    .map(({ installation, product, minute, copy, place }) => {
      const name = names[place]!;
      return {
        ...{ product, event: name, id: `${name} ${minute}`, receivedAt: NOON + copy * 1000 },
        installationId: `0000000${installation}-0000-4000-8000-000000000000`,
        occurredAt: new Date(NOON - (60 - minute) * MINUTE_MS).toISOString(),
        properties: {
          ...{ 'health-unit-a-service-total': minute, 'health-unit-a-service-unhealthy': -1 },
          ...{ 'health-unit-b-service-total': 1, 'health-unit-b-service-unhealthy': 0 },
        },
      };
    });

const reports = event(['health', 'error.server', 'unheard.of', 'system.started']);
const optOuts = event(['opted_out', 'usage-metrics.turned-off']);
const optIns = event(['opted_in']);
const streamOf = (...kinds: fc.Arbitrary<EventEnvelope>[]) =>
  fc.array(fc.oneof({ weight: 5, arbitrary: reports }, ...kinds), { minLength: 1, maxLength: 30 });
const dice = fc.array(fc.nat({ max: 5 }), { minLength: 40, maxLength: 40 });

test('opt-outs leave the same rows in any order, batching and distribution over workers', async () => {
  await fc.assert(
    fc.asyncProperty(
      streamOf(optOuts),
      fc.array(optIns, { maxLength: 6 }),
      dice,
      async (events, ins, numbers) => {
        const once = await tablesAfter([[...events, ...ins]]);
        const dealt = await tablesAfter([ins], deal(events, numbers));
        expect(withoutCopies(dealt)).toEqual(withoutCopies(once));
      },
    ),
    { numRuns: atScale(8, 25) },
  );
}, 120_000);

test('no event from an opted-out period remains, in any order', async () => {
  await fc.assert(
    fc.asyncProperty(streamOf(optOuts, optIns), dice, async (events, numbers) => {
      const once = await tablesAfter([events]);
      const dealt = await tablesAfter([], deal(events, numbers));
      expect(once.reports).toEqual(expect.arrayContaining(dealt.reports));
      expect(once.quarantined).toEqual(expect.arrayContaining(dealt.quarantined));
      expect(dealt.consents).toEqual(once.consents);
      expect(dealt.balance.filter(({ unaccounted }) => unaccounted !== '0')).toEqual([]);
    }),
    { numRuns: atScale(8, 25) },
  );
}, 120_000);

/**
 * If an opt-out later removes an event, copies that were already counted as duplicates stay
 * duplicates. A usage event that Resoto does not declare is stored, so each kind has its fate.
 */
function withoutCopies({ balance, ...tables }: Awaited<ReturnType<typeof readTables>>) {
  const hours = balance.map(({ duplicate, opted_out, ...row }) => ({
    ...row,
    repeatedOrOptedOut: Number(duplicate) + Number(opted_out),
  }));
  return { ...tables, hours };
}

function deal(events: EventEnvelope[], numbers: number[]): EventEnvelope[][] {
  const batches: EventEnvelope[][] = [];
  events.forEach((one, at) => (batches[numbers[at]!] ??= []).unshift(one));
  return batches.filter(() => true);
}

/** Saves some batches one by one, then others concurrently. */
async function tablesAfter(first: EventEnvelope[][], atOnce: EventEnvelope[][] = []) {
  await emptyTables(owner.ask);
  for (const batch of first) await save(batch, 0);
  await Promise.all(atOnce.map(save));
  return readTables(owner.ask);
}

async function save(envelopes: EventEnvelope[], place: number): Promise<void> {
  const hour = Math.floor(NOON / 3_600_000) * 3_600_000;
  await workers[place % WORKERS]!.save({
    ...{ batchId: randomUUID(), gatheredAt: NOON },
    accepted: envelopes.map(({ product }) => ({ product, hour, count: 1 })),
    events: envelopes.map((one) => normalise(structuredClone(one), OPTIONS)),
  });
}
