import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TelemetryStore } from '#storage';
import { compileProducts, normalise, type EventEnvelope } from '#telemetry';
import { Asker, createDatabase, type TestDatabase, connectionsOf } from './support/database.js';

const OPTIONS = { products: compileProducts(), retentionMs: 400 * 86_400_000 };
const NOW = Date.UTC(2026, 10, 21, 10, 30);

function healthOf(unhealthy: number): EventEnvelope {
  return {
    ...{ receivedAt: NOW, product: 'dcos', id: randomUUID(), installationId: randomUUID() },
    event: 'health',
    properties: { 'health-unit-a-total': 99, 'health-unit-a-unhealthy': unhealthy },
  };
}

/** A stored report as returned by `normalise`. */
function reportOf(unhealthy: number) {
  const event = normalise(healthOf(unhealthy), OPTIONS);
  if (event.fate !== 'stored') throw new Error(`The event is ${event.fate}.`);
  return event;
}

describe('if two snapshots share an id', () => {
  let database: TestDatabase;
  let owner: Asker;

  beforeAll(async () => {
    database = await createDatabase();
    owner = new Asker(database.url);
  });

  afterAll(async () => {
    await owner.end();
    await database.drop();
  });

  async function fatesAfter(batches: ReturnType<typeof reportOf>[][]) {
    const store = new TelemetryStore({
      database: connectionsOf(database.appUrl),
      suppressionKey: 'for-tests',
    });
    for (const events of batches) {
      const accepted = [{ product: 'dcos', hour: NOW, count: events.length }];
      await store.save({ batchId: randomUUID(), gatheredAt: NOW, accepted, events });
    }
    const rows = await owner.ask(
      `SELECT k.id, coalesce(h.unhealthy::text, q.reason) AS fate
         FROM unnest($1::uuid[]) AS k(id)
         LEFT JOIN fleet.health_readings h ON h.installation_id = k.id
         LEFT JOIN fleet.quarantined_events q ON q.installation_id = k.id`,
      [batches.flat().map(({ installationId }) => installationId)],
    );
    const fates = new Map(rows.map(({ id, fate }) => [id as string, fate as string]));
    return batches.map((events) => events.map((event) => fates.get(event.installationId)));
  }

  test('the second event is quarantined, and no report shows the content of another', async () => {
    const [one, same] = [reportOf(1), reportOf(1)];
    const other = reportOf(2);
    other.snapshot.id = one.snapshot.id;
    const bystander = reportOf(3);
    expect(await fatesAfter([[one], [other, bystander], [same]])).toEqual([
      ['1'],
      ['refused_by_store', '3'],
      ['1'],
    ]);
    expect(await owner.ask('SELECT FROM fleet.ingest_balance WHERE unaccounted <> 0')).toEqual([]);
  });

  test('the second event is also quarantined within one batch', async () => {
    const [one, other] = [reportOf(4), reportOf(5)];
    other.snapshot.id = one.snapshot.id;
    const [fates] = await fatesAfter([[one, other, reportOf(6)]]);
    expect(fates?.filter((fate) => fate === 'refused_by_store')).toHaveLength(1);
    expect(fates?.[2]).toBe('6');
  });
});
