import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ErasureStore } from '#storage';
import { connectionsOf } from './support/database.js';
import { carryOut } from './support/erasures.js';
import { event, RolledUp, suppressionKey } from './support/rolled-up.js';

let it: RolledUp;
let erasures: ErasureStore;

beforeAll(async () => {
  it = await RolledUp.create();
  erasures = new ErasureStore({ database: connectionsOf(it.database.appUrl), suppressionKey });
});
beforeEach(() => it.empty());
afterAll(() => it.drop());

const columnsWith = async (id: string) => {
  const rows = await it.ask(
    `SELECT DISTINCT tablename FROM pg_stats
      WHERE strpos(concat(most_common_vals::text, histogram_bounds::text), $1) > 0 ORDER BY 1`,
    [id],
  );
  return rows.map(({ tablename }) => tablename as string);
};

test.each([1, 30])(
  'planner statistics do not contain an erased installation, in a fleet of %i',
  async (size) => {
    const ids = Array.from({ length: size }, () => randomUUID());
    const broken = { properties: { 'health-unit-a-total': 'many' } };
    await it.save(...ids.flatMap((id) => [event(id, 2), event(id, 2), event(id, 1, 12, broken)]));
    await it.save(
      ...ids.map((id) =>
        event(id, 1, 12, { product: 'resoto', event: 'any', properties: { n: 1 } }),
      ),
    );
    await it.rollups.refresh();
    await erasures.request({ mode: 'erase', installationIds: ids.slice(0, 1) }, 'erika');
    await it.ask('ANALYZE');
    expect((await columnsWith(ids[0]!)).length).toBeGreaterThan(3);
    await carryOut(erasures);
    expect(await columnsWith(ids[0]!)).toEqual([]);
    if (size > 1) expect((await columnsWith(ids[1]!)).length).toBeGreaterThan(5);
  },
);

test('planner statistics of a table that another process holds are removed once it is free', async () => {
  const id = randomUUID();
  await it.save(event(id, 2), event(id, 1));
  await it.rollups.refresh();
  await it.ask('ANALYZE');
  const other = new pg.Client({ connectionString: it.database.url });
  await other.connect();
  await erasures.request({ mode: 'erase', installationIds: [id] }, 'erika');
  // Vacuum takes the same lock. Rows can be removed meanwhile, statistics cannot.
  await other.query('BEGIN; LOCK TABLE installation_day IN SHARE UPDATE EXCLUSIVE MODE');
  const carryingOut = carryOut(erasures);
  const waiting = () =>
    it.ask(`SELECT FROM pg_locks WHERE NOT granted AND relation = 'installation_day'::regclass`);
  await expect.poll(waiting, { timeout: 20_000 }).not.toEqual([]);
  // The first attempt gives up.
  await expect.poll(waiting, { timeout: 20_000 }).toEqual([]);
  await other.query('COMMIT');
  await carryingOut;
  await other.end();
  expect(await columnsWith(id)).toEqual([]);
}, 60_000);
