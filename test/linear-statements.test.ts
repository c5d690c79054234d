import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  Database,
  ErasureStore,
  MaintenanceStore,
  PurgeStore,
  QuarantineStore,
  Rollups,
  TelemetryStore,
} from '#storage';
import {
  compileProducts,
  normalise,
  normaliseKept,
  type EventEnvelope,
  type KeptEvent,
} from '#telemetry';
import { Asker, connectionsOf, createDatabase } from './support/database.js';
import { carryOut } from './support/erasures.js';
import { suppressionKey } from './support/rolled-up.js';
import { RowVisits } from './support/row-visits.js';

const DAY_MS = 86_400_000;
const TODAY = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const OPTIONS = { products: compileProducts(), retentionMs: 400 * DAY_MS };
const SMALL = 700;
const TIMES = 3;
/**
 * For three times as many installations, a linear statement visits three times as many rows, or
 * slightly more with a logarithmic factor. A quadratic one visits nine times as many.
 */
const MOST = 5;
const LEAKED = '0123456789abcdef';
const PURGED = { keyId: LEAKED, from: '2000-01-01T00:00:00.000Z', to: '2100-01-01T00:00:00.000Z' };
/** Of so many installations, one waits for the removal of what came after its opt-out. */
const WAITING = 10;
/** Statements that visit fewer rows per installation than this are ignored. */
const FEW = 10;

function eventsOf(installationId: string, at: number, daysAgo: number): EventEnvelope[] {
  const common = {
    ...{ installationId, receivedAt: TODAY },
    occurredAt: new Date(TODAY - daysAgo * DAY_MS + at).toISOString(),
  };
  const name = `n${installationId.slice(0, 8).replace(/\d/g, (digit) => 'ghijklmnop'[Number(digit)]!)}`;
  return [
    {
      ...common,
      ...{ id: randomUUID(), product: 'dcos', event: 'health' },
      properties: {
        ...{ environmentVersion: `2.${daysAgo}`, [`health-unit-${name}-total`]: 3 },
        [`health-unit-${name}-unhealthy`]: 1,
      },
      ...(daysAgo === 3 && { key: LEAKED }),
    },
    {
      ...common,
      ...{ id: randomUUID(), product: 'dcos', event: 'unheard.of', properties: {} },
    },
    {
      ...common,
      ...{ id: randomUUID(), product: 'resoto', event: 'anything' },
      properties: { version: `2.${daysAgo}`, [name]: 1, remark: 'some text' },
    },
  ];
}

/** Replays and discards what is in quarantine, removes what a key sent, and what came after opt-outs. */
async function removeEvents(database: Database, owner: Asker, ids: string[]): Promise<void> {
  const { signal } = new AbortController();
  const store = new TelemetryStore({ database, suppressionKey });
  const quarantine = new QuarantineStore(database);
  const again = (kept: KeptEvent, eventKey: string) => normaliseKept(kept, eventKey, OPTIONS);
  for (const kind of ['replay', 'discard'] as const) {
    await quarantine.request({ kind, filter: {}, requestedBy: 'erika' });
    expect(await quarantine.runNext({ normalise: again, store, signal })).not.toBeNull();
  }
  const purges = new PurgeStore(database);
  await purges.request(PURGED, 'erika');
  const emptyQueue = () => Promise.resolve();
  while ((await purges.runNext({ emptyQueue, signal })) !== null);
  const some = ids.filter((_, at) => at % 4 === 0);
  const optOuts = some.map((installationId, at) => ({
    ...eventsOf(installationId, at * 1000, 5)[0]!,
    ...{ product: 'resoto', event: 'opted_out', properties: {} },
  }));
  const events = optOuts.map((envelope) => normalise(envelope, OPTIONS));
  await store.save({ batchId: randomUUID(), gatheredAt: TODAY, events, accepted: [] });
  await owner.ask(
    `INSERT INTO opt_out_removal (installation_id, product, since, received_at)
     SELECT id, 'resoto', '2000-01-01', now() FROM unnest($1::uuid[]) WITH ORDINALITY AS i(id, place)
      WHERE place % ${WAITING} = 0`,
    [some],
  );
  while (await store.removeOptedOut());
}

/**
 * Runs a worker's daily tasks for a fleet of this size, with tables that were last analyzed when
 * empty.
 */
async function visitsOfDay(size: number): Promise<ReadonlyMap<string, number>> {
  const database = await createDatabase();
  const owner = new Asker(database.url);
  const partitions = await owner.ask(
    `SELECT oid::regclass::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`,
  );
  await owner.ask(
    partitions.map(({ name }) => `ALTER TABLE ${name} SET (autovacuum_enabled = off)`).join(';'),
  );
  await owner.ask('ANALYZE');
  const databaseUrl = database.url;
  const store = new TelemetryStore({ database: connectionsOf(databaseUrl), suppressionKey });
  const ids = Array.from({ length: size }, () => randomUUID());
  const save = async (daysAgo: number) => {
    for (let start = 0; start < size; start += 250) {
      const events = ids
        .slice(start, start + 250)
        .flatMap((id, at) => eventsOf(id, at * 1000, daysAgo))
        .map((envelope) => normalise(envelope, OPTIONS));
      await store.save({
        ...{ batchId: randomUUID(), gatheredAt: TODAY, events },
        accepted: events.map(({ product }) => ({ product, hour: TODAY, count: 1 })),
      });
    }
  };
  const visits = new RowVisits();
  await save(3);
  await visits.begin(databaseUrl);
  const listened = new Database({
    databaseUrl,
    name: 'muster-explained',
    connections: 5,
    writeConnections: 2,
  });
  const rollups = new Rollups(listened);
  const erasures = new ErasureStore({ database: listened, suppressionKey });
  const house = new MaintenanceStore(listened);
  try {
    await rollups.refresh();
    await save(2);
    await rollups.refresh();
    await removeEvents(listened, owner, ids.slice(0, size / 2));
    await rollups.refresh();
    await owner.ask(
      `DELETE FROM report WHERE origin_id IN (SELECT origin_id FROM origin WHERE version = '2.2');
       UPDATE installation_life SET is_stale = true`,
    );
    await rollups.rebuild();
    await erasures.request({ mode: 'erase', installationIds: ids.slice(0, size / 2) }, 'erika');
    await carryOut(erasures);
    const { signal } = new AbortController();
    const now = Date.now() + 900 * DAY_MS;
    await house.applyRetention({ retentionDays: 400, rollupRetentionDays: 500, signal, now });
    await house.collectOrphans(signal);
    expect(await owner.ask('SELECT FROM installation_day')).toHaveLength(0);
  } finally {
    visits.end();
    await listened.close();
    await owner.end();
    await database.drop();
  }
  return visits.counts;
}

test('no statement of rollups, erasures, removals or maintenance is quadratic, even if the planner has no statistics', async () => {
  const small = await visitsOfDay(SMALL);
  const large = await visitsOfDay(SMALL * TIMES);
  expect(large.size).toBeGreaterThan(50);
  const steep = [...large].flatMap(([text, visits]) => {
    const growth = visits / Math.max(small.get(text) ?? 0, SMALL * FEW);
    return growth > MOST ? [`${growth.toFixed(1)}: ${text}`] : [];
  });
  expect(steep).toEqual([]);
  // A quadratic statement looks linear while its list fits into memory.
  expect([...large.keys()].filter((text) => /NOT IN \(\s*SELECT/i.test(text))).toEqual([]);
}, 240_000);
