import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ErasureStore, MaintenanceStore, migrate } from '#storage';
import { cadencesOf, ownDeclarations, type EventEnvelope } from '#telemetry';
import { carryOut } from './support/erasures.js';
import { event, RolledUp, suppressionKey } from './support/rolled-up.js';
import { connectionsOf } from './support/database.js';

let it: RolledUp;

beforeAll(async () => {
  it = await RolledUp.create();
});
beforeEach(() => it.empty());
afterAll(() => it.drop());

const SUMS = [
  ...['fleet', 'mix', 'unit', 'package', 'framework', 'metric', 'capacity'],
  ...['usage', 'counter', 'error', 'ui', 'dropped'],
];
/** All daily sums, as text. */
async function sums() {
  const all: Record<string, unknown> = {};
  for (const name of SUMS) all[name] = await it.ask(`SELECT t::text FROM ${name}_day t ORDER BY 1`);
  return all;
}

/** Events of every kind, on several days. */
function everything(id: string): EventEnvelope[] {
  const visitor = { userKey: '7', visitorKey: '8' };
  return [5, 3, 0].flatMap((ago) => [
    event(id, ago),
    event(id, ago, 3, {
      event: 'mesos_track',
      properties: { cpu_total: 4, frameworks: [{ name: 'kafka' }] },
    }),
    event(id, ago, 4, {
      event: 'package_list',
      properties: { package_list: [{ appId: '/kafka' }] },
    }),
    { ...event(id, ago, 5, { event: 'page', properties: { path: '/nodes' } }), ...visitor },
    event(id, ago, 6, { event: 'opted_in' }),
    event(id, ago, 7, { product: 'octopus', event: 'telemetry', properties: { environments: 3 } }),
    event(id, ago, 8, {
      product: 'resoto',
      event: 'system.stopped',
      properties: { total_seconds: 9 },
    }),
    event(id, ago, 9, {
      product: 'resoto',
      event: 'error.server',
      properties: { kind: 'KeyError', remark: 'some text' },
    }),
  ]);
}

async function erase(installationId: string) {
  const erasures = new ErasureStore({ database: connectionsOf(it.database.url), suppressionKey });
  await erasures.request(
    { mode: 'erase_and_suppress', installationIds: [installationId] },
    'erika',
  );
  await carryOut(erasures);
}

test('a new day extends the lifetime of an installation without reading the days before', async () => {
  const [steady, upgraded] = [randomUUID(), randomUUID()];
  const lives = () =>
    it.ask(
      `SELECT installation_id AS id, active_days, returns, last_version, upgrades
         FROM fleet.installation_lives l
         LEFT JOIN (SELECT installation_id, array_agg(from_version || ' ' || to_version ORDER BY day) AS upgrades
                      FROM fleet.installation_upgrades GROUP BY 1) u USING (installation_id)
        ORDER BY installation_id = $1 DESC`,
      [steady],
    );
  await it.save(...[9, 8].flatMap((ago) => [event(steady, ago), event(upgraded, ago)]));
  await it.rollups.refresh();
  await it.ask('UPDATE installation_life SET active_days = active_days + 100');
  for (const [ago, version] of [
    [7, '2.2'],
    [6, '2.2'],
    [1, '2.3'],
  ] as const) {
    await it.save(event(steady, ago), event(upgraded, ago, 12, { version }));
    await it.rollups.refresh();
  }
  const upgrades = ['2.1 2.2', '2.2 2.3'];
  const [first, second] = await lives();
  expect(first).toMatchObject({
    active_days: 105,
    returns: 1,
    last_version: '2.1',
    upgrades: null,
  });
  expect(second).toMatchObject({ active_days: 105, returns: 1, last_version: '2.3', upgrades });

  const shownNow = () => it.ask('SELECT * FROM fleet.installation_upgrades ORDER BY day');
  const before = await shownNow();
  expect(before).toHaveLength(2);
  await it.rollups.rebuild();
  expect(await shownNow()).toEqual(before);
  expect(await lives()).toMatchObject([
    { active_days: 5, returns: 1 },
    { active_days: 5, returns: 1, upgrades },
  ]);
});

test('an erasure leaves the sums as if the installation had never existed', async () => {
  const [gone, kept] = [randomUUID(), randomUUID()];
  await it.save(...everything(kept));
  await it.rollups.refresh();
  const without = await sums();
  expect(Object.values(without).filter((rows) => (rows as unknown[]).length === 0)).toEqual([]);
  await it.save(...everything(gone), event(gone, 8));
  await it.rollups.refresh();
  expect(await sums()).not.toEqual(without);

  await erase(gone);
  expect(await sums()).toEqual(without);
});

test('days whose reports were dropped keep their sums, and an erasure still corrects them', async () => {
  const [gone, kept] = [randomUUID(), randomUUID()];
  await it.save(...everything(kept));
  await it.rollups.refresh();
  const without = await sums();
  await it.save(...everything(gone));
  await it.rollups.refresh();
  const all = await sums();
  // As retention does: removes reports and records the first complete day.
  await it.ask('TRUNCATE report, resource_reading, ui_reading');
  await it.ask(
    `INSERT INTO retention_floor SELECT product, CURRENT_DATE + 1 FROM unnest(ARRAY['dcos', 'octopus', 'resoto']) AS product`,
  );
  await it.rollups.rebuild();
  expect(await sums()).toEqual(all);

  await erase(gone);
  expect(await sums()).toEqual(without);
});

test('removing expired rollups does not change the remaining ones', async () => {
  const [steady, back, gone] = [randomUUID(), randomUUID(), randomUUID()];
  for (let ago = 40; ago >= 0; ago -= 1) {
    await it.save(event(steady, ago, 12, { version: ago > 30 ? '2.0' : '2.1' }), event(gone, ago));
  }
  // Active before the kept days, then silent, and back on a kept day.
  await it.save(event(back, 39), event(back, 5), event(randomUUID(), 38));
  await it.rollups.refresh();
  const kept = `WHERE day >= (now() AT TIME ZONE 'UTC')::date - 9`;
  const days = () => it.ask(`SELECT * FROM fleet.daily_fleet ${kept} ORDER BY 1, 2, 3`);
  const lives = () =>
    it.ask(
      `SELECT installation_id, first_day, first_version, last_day FROM fleet.installation_lives
        WHERE last_day > (now() AT TIME ZONE 'UTC')::date - 10 ORDER BY 1`,
    );
  const counted = () =>
    it.ask(`SELECT installation_id, active_days, returns FROM fleet.installation_lives ORDER BY 1`);
  const before = await days();
  const livesBefore = await lives();

  const house = new MaintenanceStore(connectionsOf(it.database.url));
  const { signal } = new AbortController();
  const expireRollups = () =>
    house.applyRetention({ retentionDays: 400, rollupRetentionDays: 9, signal });
  const { removed } = await expireRollups();
  expect((await expireRollups()).removed).toEqual({});
  // Days are also kept for the longest silence of a product (8 days for Resoto), so 18 days up to
  // today remain, and the return.
  expect(removed).toMatchObject({ installation_day: 2 * 23 + 2, installation_life: 1 });
  expect(await days()).toEqual(before);
  const countedThen = await counted();

  await it.rollups.rebuild();
  expect(await days()).toEqual(before);
  expect(await lives()).toEqual(livesBefore);
  expect(await counted()).toEqual(countedThen);
  await erase(gone);
  const [all] = await it.ask(
    `SELECT (now() AT TIME ZONE 'UTC')::date - min(day) AS ago, sum(active)::int AS active, sum(born)::int AS born, sum(returned)::int AS returned
       FROM fleet.daily_fleet`,
  );
  expect(all).toEqual({ ago: 9, active: 11, born: 0, returned: 1 });
});

test('if the number of days before a product is silent changes, its days are summed again', async () => {
  await it.save(
    event(randomUUID(), 9),
    event(randomUUID(), 1, 12, {
      product: 'octopus',
      event: 'telemetry',
      properties: { environments: 3 },
    }),
  );
  await it.rollups.refresh();
  const silent = () =>
    it.ask(
      `SELECT CURRENT_DATE - day AS ago FROM fleet.daily_fleet WHERE gone_silent > 0 AND product = 'dcos'`,
    );
  expect(await silent()).toEqual([{ ago: 7 }]);
  const migrateWith = (silentAfterDays: number) =>
    migrate({
      databaseUrl: it.database.url,
      cadences: [{ product: 'dcos', every: 'hour', silentAfterDays }],
    });
  await migrateWith(5);
  await it.rollups.refresh();
  expect(await silent()).toEqual([{ ago: 4 }]);
  await migrate({ databaseUrl: it.database.url, cadences: cadencesOf(ownDeclarations) });
  await it.rollups.refresh();
  expect(await silent()).toEqual([{ ago: 7 }]);
});
