import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ErasureStore } from '#storage';
import { connectionsOf } from './support/database.js';
import { carryOut } from './support/erasures.js';
import { event, RolledUp, suppressionKey } from './support/rolled-up.js';

const EVENTS = 21;
const NAMES = 2500;
const MOST_ROWS = 50_000;

let it: RolledUp;

beforeAll(async () => {
  it = await RolledUp.create();
});
afterAll(() => it.drop());

/** Names consist of letters, because numbers in names are not kept. */
function nameOf(number: number): string {
  return String(number).replace(/\d/g, (digit) => 'abcdefghij'[Number(digit)] ?? '');
}

const flood = (id: string, start: number) =>
  event(id, 1, 12, {
    ...{ product: 'resoto', event: 'anything' },
    properties: Object.fromEntries(
      Array.from({ length: NAMES }, (_, at) => [`z${nameOf(start * NAMES + at)}`, 2]),
    ),
  });

const counters = async () => {
  const [row] = await it.ask(
    `SELECT count(*)::int AS rows, sum(total)::int AS total,
            (sum(total) FILTER (WHERE counter = '*'))::int AS others,
            count(*) FILTER (WHERE counter = 'common')::int AS common
       FROM fleet.daily_counters WHERE product = 'resoto'`,
  );
  return row;
};

test('the number of rows per day is bounded for a flood of names, and the rest is counted under *', async () => {
  const common = { product: 'resoto', event: 'anything', properties: { common: 5 } };
  await it.save(...[1, 2].map((hour) => event(randomUUID(), 1, hour, common)));
  const senders = Array.from({ length: EVENTS }, () => randomUUID());
  for (const [at, id] of senders.entries()) await it.save(flood(id, at));
  await it.rollups.refresh();
  const sent = EVENTS * NAMES * 2 + 10;
  const folded = EVENTS * NAMES + 1 - MOST_ROWS;
  expect(await counters()).toEqual({
    ...{ rows: MOST_ROWS + 1, total: sent, others: folded * 2, common: 1 },
  });
  expect(
    await it.ask(`SELECT installations::int FROM fleet.daily_others WHERE view = 'daily_counters'`),
  ).toEqual([{ installations: folded }]);
  const erasures = new ErasureStore({ database: connectionsOf(it.database.url), suppressionKey });
  await erasures.request(
    { mode: 'erase', installationIds: [senders.at(-1)!, senders[0]!] },
    'erika',
  );
  await carryOut(erasures);
  expect(await counters()).toMatchObject({ total: sent - NAMES * 4, common: 1 });
}, 120_000);
