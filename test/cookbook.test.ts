import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Rollups } from '#storage';
import { readCookbook } from './support/cookbook.js';
import { ANSWERS } from './support/cookbook/answers.js';
import { dcosEvents, skewedBatch } from './support/cookbook/dcos-fleet.js';
import type { FleetEvent } from './support/cookbook/event.js';
import { octopusEvents, resotoEvents } from './support/cookbook/other-products.js';
import { uiBatch } from './support/cookbook/ui-fleet.js';
import { startMuster, type Muster } from './support/muster.js';
import { connectionsOf } from './support/database.js';

const recipes = await readCookbook();
/** Days must be UTC in any session time zone. */
const FAR_FROM_UTC = '-c timezone=Pacific/Kiritimati';

/** Parses numbers as numbers, days as text, and times as UTC. */
const types = new pg.TypeOverrides();
const { DATE, INT8, INTERVAL, NUMERIC, TIMESTAMPTZ } = pg.types.builtins;
types.setTypeParser(INT8, Number);
types.setTypeParser(NUMERIC, Number);
types.setTypeParser(DATE, String);
types.setTypeParser(INTERVAL, String);
types.setTypeParser(TIMESTAMPTZ, (text) => new Date(text).toISOString());

let muster: Muster;
let analyst: pg.Client;

beforeAll(async () => {
  muster = await startMuster();
  await send('dcos', dcosEvents);
  await send('dcos', dcosEvents.slice(0, 1)); // a duplicate, which changes nothing
  await send('octopus', octopusEvents);
  await send('resoto', resotoEvents);
  for (const batch of [uiBatch, skewedBatch()]) {
    const { status } = await muster.post('/v1/batch', batch, { headers: keyOf('dcos') });
    expect(status).toBe(200);
  }
  await muster.drained();
  await rollUp();
  analyst = new pg.Client({
    ...{ connectionString: muster.analystUrl, options: FAR_FROM_UTC, types },
  });
  await analyst.connect();
});

afterAll(async () => {
  await analyst?.end();
  await muster?.stop();
});

const keyOf = (product: string) => ({ authorization: `Bearer wk_${product}` });

async function send(product: string, events: FleetEvent[]) {
  const { status, json } = await muster.post('/v1/events', events, { headers: keyOf(product) });
  expect({ status, rejected: json.rejected }).toEqual({ status: 202, rejected: 0 });
}

async function rollUp() {
  const rollups = new Rollups(connectionsOf(muster.databaseUrl));
  await rollups.refresh();
}

test('every query of the cookbook has an expected result here, and vice versa', () => {
  expect(recipes.map(({ question }) => question).sort()).toEqual(Object.keys(ANSWERS).sort());
});

test('the changelog of the contract lists every view of fleet', async () => {
  const changelog = await readFile('docs/fleet-changelog.md', 'utf8');
  const { rows } = await analyst.query<{ view: string }>(
    `SELECT relname AS view FROM pg_class WHERE relnamespace = 'fleet'::regnamespace AND relkind = 'v'`,
  );
  expect(rows.map(({ view }) => view).filter((view) => !changelog.includes(`\`${view}\``))).toEqual(
    [],
  );
});

test.each(recipes)(
  'the cookbook query "$question" returns the expected rows',
  async ({ question, sql }) => {
    const { rows } = await analyst.query<Record<string, unknown>>(sql);
    expect(rows).toEqual(ANSWERS[question]);
  },
);
