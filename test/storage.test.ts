import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TelemetryStore } from '#storage';
import { compileProducts, normalise, type EventEnvelope, type ReceivedEnvelope } from '#telemetry';
import { Asker, createDatabase, type TestDatabase, connectionsOf } from './support/database.js';

const DAY_MS = 86_400_000;
const OPTIONS = { products: compileProducts(), retentionMs: 400 * DAY_MS };
const NOW = Date.UTC(2026, 10, 21, 10, 30);

let database: TestDatabase;
let owner: Asker;
let analyst: Asker;
let store: TelemetryStore;

beforeAll(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  analyst = new Asker(database.analystUrl);
  store = new TelemetryStore({
    database: connectionsOf(database.url),
    suppressionKey: 'only-for-tests',
  });
});

afterAll(async () => {
  await owner.end();
  await analyst.end();
  await database.drop();
});

function health(overrides: Partial<EventEnvelope> = {}): EventEnvelope {
  return {
    receivedAt: NOW,
    product: 'dcos',
    id: randomUUID(),
    installationId: randomUUID(),
    event: 'health',
    properties: {
      'health-unit-dcos-signal-timer-total': 3,
      'health-unit-dcos-signal-timer-unhealthy': 1,
      environmentVersion: '2.1',
    },
    ...overrides,
  };
}

async function save(...envelopes: ReceivedEnvelope[]) {
  const batch = batchOf(envelopes);
  await store.save(batch);
  return batch;
}

function batchOf(envelopes: ReceivedEnvelope[], gatheredAt = NOW) {
  return {
    batchId: randomUUID(),
    gatheredAt,
    accepted: envelopes.map(({ product, receivedAt: hour }) => ({ product, hour, count: 1 })),
    events: envelopes.map((envelope) => normalise(envelope, OPTIONS)),
  };
}

async function readingsOf({ installationId }: EventEnvelope) {
  return analyst.ask('SELECT * FROM fleet.health_readings WHERE installation_id = $1', [
    installationId,
  ]);
}

describe('a batch', () => {
  test('that is redelivered changes nothing', async () => {
    const event = health();
    const batch = await save(event);
    const before = await analyst.ask('SELECT * FROM fleet.ingest_balance');
    await store.save(batch);
    expect(await analyst.ask('SELECT * FROM fleet.ingest_balance')).toEqual(before);
    expect(await readingsOf(event)).toHaveLength(1);
  });

  test('is stored once, whatever other batches are stored with it', async () => {
    const [stored, together, alone] = [health(), health(), health()];
    const batches = [stored, together, alone].map((event) => batchOf([event]));
    await store.save(batches[0]!);
    await store.save(batches[1]!, batches[0]!);
    await store.save(...batches);
    for (const event of [stored, together, alone]) expect(await readingsOf(event)).toHaveLength(1);
    await expectBalance();
  });

  test('with an event that the database refuses quarantines only that event', async () => {
    const [bad, ...good] = Array.from({ length: 40 }, () => health());
    await owner.ask(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'data_exception'; END $$`);
    await owner.ask(`
      CREATE TRIGGER refuse BEFORE INSERT ON report FOR EACH ROW
        WHEN (NEW.installation_id = '${bad!.installationId}') EXECUTE FUNCTION refuse()`);
    await save(...good.slice(0, 20), bad!, ...good.slice(20));
    await owner.ask('DROP TRIGGER refuse ON report');

    for (const event of good) expect(await readingsOf(event)).toHaveLength(1);
    expect(await readingsOf(bad!)).toEqual([]);
    const quarantined = await analyst.ask(
      'SELECT event, reason FROM fleet.quarantined_events WHERE installation_id = $1',
      [bad!.installationId],
    );
    expect(quarantined).toEqual([{ event: 'health', reason: 'refused_by_store' }]);
    const originals = await owner.ask(
      'SELECT envelope FROM original_event WHERE installation_id = $1',
      [bad!.installationId],
    );
    const { id: _, ...kept } = bad!;
    expect(originals).toEqual([{ envelope: kept }]);
    await expectBalance();
  });

  test('received in a month without partitions creates them', async () => {
    const receivedAt = Date.UTC(2031, 4, 31, 23, 59);
    const event = health({ receivedAt });
    await store.save(batchOf([event], receivedAt));
    expect(await readingsOf(event)).toHaveLength(1);
    const partitions = await owner.ask(`SELECT to_regclass('report_2031_05') IS NOT NULL AS made`);
    expect(partitions).toEqual([{ made: true }]);
  });

  test('whose transaction fails is stored completely by the next attempt', async () => {
    const event = health({ properties: { ...health().properties, environmentVersion: '9.9' } });
    const batch = batchOf([event]);
    await owner.ask('ALTER TABLE ingest_tally RENAME TO ingest_tally_away');
    await expect(store.save(batch)).rejects.toThrow();
    expect(await readingsOf(event)).toEqual([]);
    await owner.ask('ALTER TABLE ingest_tally_away RENAME TO ingest_tally');
    await store.save(batch);
    expect(await readingsOf(event)).toHaveLength(1);
    await expectBalance();
  });
});

describe('copies of an event', () => {
  test('are detected for 30 days, across months, and not later', async () => {
    const first = health();
    const within = { ...first, receivedAt: NOW + 30 * DAY_MS };
    const later = { ...first, receivedAt: NOW + 40 * DAY_MS };
    await save(first);
    await save(within);
    expect(await readingsOf(first)).toHaveLength(1);
    await save(later);
    expect(await readingsOf(first)).toHaveLength(2);
  });

  test('with defects may be stored again after the period of detection', async () => {
    const properties = { ...health().properties, provider: 'no such file' };
    const first = health({ properties });
    await save(first);
    await save({ ...first, receivedAt: NOW + 40 * DAY_MS });
    const where = [first.installationId];
    expect(
      await analyst.ask('SELECT reason FROM fleet.defects WHERE installation_id = $1', where),
    ).toEqual([{ reason: 'malformed' }, { reason: 'malformed' }]);
  });

  test('are compared within one installation only', async () => {
    const first = health();
    const elsewhere = { ...first, installationId: randomUUID() };
    await save(first, elsewhere);
    expect(await readingsOf(first)).toHaveLength(1);
    expect(await readingsOf(elsewhere)).toHaveLength(1);
  });

  test('that were received earlier but processed later replace the stored copy with all its rows', async () => {
    const early = health({ event: 'unheard_of' });
    const late = health({
      ...early,
      event: 'health',
      receivedAt: NOW + 3_600_000,
      properties: { ...health().properties, 'health-unit-x-total': -1 },
    });
    await save(late);
    expect(await readingsOf(early)).toHaveLength(1);
    await save(early);
    expect(await readingsOf(early)).toEqual([]);
    const rows = await owner.ask(
      `SELECT (SELECT count(*)::int FROM defect WHERE installation_id = $1) AS defects,
              (SELECT count(*)::int FROM original_event WHERE installation_id = $1) AS originals,
              (SELECT reason FROM quarantined_event WHERE installation_id = $1) AS reason`,
      [early.installationId],
    );
    expect(rows).toEqual([{ defects: 0, originals: 1, reason: 'unknown_event' }]);
    await expectBalance();
  });
});

describe('an installation', () => {
  test('is described by its latest report, in any order of arrival', async () => {
    const installationId = randomUUID();
    const report = (version: string, minute: number) =>
      health({
        installationId,
        occurredAt: new Date(NOW + minute * 60_000).toISOString(),
        properties: { ...health().properties, environmentVersion: version, provider: 'aws' },
      });
    await save(report('2.1', 2));
    await save(report('1.9', -3));
    const [row] = await analyst.ask(
      'SELECT version, provider, first_seen_at, last_seen_at FROM fleet.installations WHERE installation_id = $1',
      [installationId],
    );
    expect(row).toEqual({
      version: '2.1',
      provider: 'aws',
      first_seen_at: new Date(NOW - 180_000),
      last_seen_at: new Date(NOW + 120_000),
    });
  });
});

describe('equal reports', () => {
  test('share one snapshot, and reports with the same units share one unit set', async () => {
    const unit = 'dcos-of-this-test-alone-service';
    const report = (unhealthy: number) =>
      health({
        properties: {
          [`health-unit-${unit}-total`]: 5,
          [`health-unit-${unit}-unhealthy`]: unhealthy,
        },
      });
    await save(...Array.from({ length: 10 }, () => report(0)), report(1));
    const sets = await owner.ask('SELECT unit_set_id FROM unit_set WHERE units = ARRAY[$1]', [
      unit,
    ]);
    expect(sets).toHaveLength(1);
    const snapshots = await owner.ask('SELECT FROM health_snapshot WHERE unit_set_id = $1', [
      sets[0]!.unit_set_id,
    ]);
    expect(snapshots).toHaveLength(2);
  });
});

async function expectBalance() {
  const unbalanced = await analyst.ask('SELECT * FROM fleet.ingest_balance WHERE unaccounted <> 0');
  expect(unbalanced).toEqual([]);
}
