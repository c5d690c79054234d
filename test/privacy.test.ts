import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SpawnedApp } from './support/app.js';
import { balanceOf } from './support/balance.js';
import { HttpsClient } from './support/https.js';
import { startSpawnedMuster, type Muster } from './support/muster.js';
import { plantBytes, plantHttp } from './support/planted-http.js';
import { kinds } from './support/planted-kinds.js';
import { KEYS, plantRequests, type Sent } from './support/planted-requests.js';
import { Planter } from './support/planted.js';
import { type PrivateRedis, startRedis } from './support/redis.js';
import { atScale } from './support/scale.js';
import { tracesInDatabase, tracesInRedis, type Traces } from './support/traces.js';

const FIXTURES = 'test/fixtures/requests';
const AT_ONCE = 16;
const MANY_EVENTS = atScale(800, 2500);
const FAILED = 'batch could not be stored';

/** Personal data, machine names, accounts and free text in the recorded requests. */
const RECORDED = [
  ...['123456789012', '02fc00000001', '0242ac120002', '2f3fd53e-e56d-11f1', 'a3f6a1b0-45c9-11ee'],
  ...['alice@', 'example.com', 'Mozilla/5.0', 'HeadlessChrome', 'ui.dcos.test', '127.0.0.1:18199'],
  ...['a4a0c4d3-f67e-486c-ad40-73e7bfc02955', '43eff42b8eb9c5bf5d27b0d56e42b9ffe9ae2b32'],
  ...['88d5b8c52eba580b9ee8418410a0d85cfe4c19e5', 'collect_and_cleanup', '/inventory', 'boom in'],
  ...["'reported'", 'run_main', 'with-glibc2', 'posthog-python', 'posthog-node', 'analytics-go'],
];

/** In `npm test`, each place gets every third kind of identifier. */
const planter = new Planter(20_261_125, atScale(3, 1));
let redis: PrivateRedis;
let muster: Muster<SpawnedApp>;
let client: HttpsClient;
/** The response to each request. */
const answers: Traces = new Map([['answers', new Set()]]);
let control: string;

beforeAll(async () => {
  redis = await startRedis();
  const env = { LOG_LEVEL: 'trace' };
  muster = await startSpawnedMuster({
    ...{ writeKeys: KEYS, moreKeys: { resoto: 'phc_resoto_public' }, redisUrl: redis.url },
    ...{ ingestEnv: env, workerEnv: env },
  });
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  client = new HttpsClient(muster.ingestUrl, muster.ca, agent);
  await plantControl();
  await Promise.all([sendAll(plantRequests(planter)), breakStore()]);
  await sendAll(plantHttp(planter));
  for (const bytes of plantBytes(planter)) await muster.replay(bytes);
  await replayRecorded();
  await muster.drained();
});

afterAll(async () => {
  await muster.stop();
  await redis.stop();
});

/** A package name is stored, so the search must find this one. */
async function plantControl() {
  control = planter.control('the name of a package');
  const properties = { package_list: [{ name: control }] };
  await sendAll([eventOf('dcos', 'package_list', properties)]);
}

/**
 * Cuts database connections, and lets statements fail with errors that quote the row, until the worker logs the
 * failure: its log must not quote events either.
 */
async function breakStore() {
  await muster.owner(`
    CREATE FUNCTION quote_row() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION '%', NEW USING DETAIL = NEW::text, HINT = NEW::text, ERRCODE = 'XX000'; END $$;
    CREATE TRIGGER quoting BEFORE INSERT ON original_event
      FOR EACH ROW EXECUTE FUNCTION quote_row()`);
  while (!muster.workers[0]!.log.includes(FAILED)) {
    await sleep(200);
    await muster.owner(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'muster-worker' AND datname = current_database()`,
    );
  }
  await muster.owner('DROP FUNCTION quote_row CASCADE');
}

function eventOf(product: keyof typeof KEYS, event: string, properties: object): Sent {
  const body = JSON.stringify({ installationId: randomUUID(), product, event, properties });
  return { path: '/v1/events', key: KEYS[product], body };
}

async function sendAll(requests: Sent[]) {
  for (let at = 0; at < requests.length; at += AT_ONCE) {
    await Promise.all(requests.slice(at, at + AT_ONCE).map(send));
  }
}

async function send({ method = 'POST', path, key, headers = {}, body }: Sent): Promise<void> {
  const authorization = key === '' ? {} : { authorization: `Bearer ${key}` };
  for (;;) {
    const { status, text } = await client.send(
      method,
      path,
      { ...authorization, ...headers },
      body,
    );
    // Deduplication there uses the client's event ids.
    if (path !== '/i/v1/analytics/events') answers.get('answers')!.add(text);
    // Redis may be too slow on a busy machine. Then the request must be retried.
    if (status !== 503) return expect(status).toBeLessThan(500);
    await sleep(200);
  }
}

async function replayRecorded() {
  for (const value of RECORDED) planter.watch(value, FIXTURES);
  for (const file of readdirSync(FIXTURES)) {
    const { status } = await muster.replay(readFileSync(`${FIXTURES}/${file}`));
    expect(status).toBe(200);
  }
}

/**
 * Every identifier that left a trace, with the place where it was sent and the place where it was
 * found.
 */
function find(traces: Traces): string[] {
  const seen = new Set<string>();
  return [...traces].flatMap(([where, texts]) =>
    [...texts].flatMap((text) => {
      if (seen.has(text)) return [];
      seen.add(text);
      const found = planter.findIn(text).filter(({ kind }) => kind !== 'control');
      return found.map(({ kind, value, place }) => `${kind} ${value} of ${place}: in ${where}`);
    }),
  );
}

function finds(traces: Traces, word: string): boolean {
  const texts = [...traces.values()].flatMap((some) => [...some]);
  return texts.some((text) => planter.findIn(text).some(({ value }) => value === word));
}

test('no identifier is in the database, wherever in a request it was sent', async () => {
  const traces = await tracesInDatabase(muster.owner);
  expect(finds(traces, control)).toBe(true);
  expect(find(traces)).toEqual([]);
});

test('once the events are stored, Redis contains no identifier', async () => {
  const connection = new Redis(redis.url);
  await connection.rpush('control', `the name ${control.toUpperCase()}`);
  expect(finds(await tracesInRedis(redis.url), control)).toBe(true);
  await connection.del('control');
  connection.disconnect();
  const traces = await tracesInRedis(redis.url);
  expect(
    [...traces.keys()].every(
      (key) => !key.includes(':envelopes:') || /:(meta|events|id|marker|stalled-check)$/.test(key),
    ),
  ).toBe(true);
  expect(find(traces)).toEqual([]);
});

test('no log and no response repeats an identifier, even at log level trace', () => {
  const logs = [muster.ingest, ...muster.workers].map((app) => app.log);
  expect(logs.join()).toContain(FAILED);
  expect(find(new Map([['the logs', new Set(logs)]]))).toEqual([]);
  expect(find(answers)).toEqual([]);
});

test('the search is meaningful: it covers many identifiers of every kind and many events of every fate', async () => {
  for (const kind of [...kinds, 'login']) {
    const planted = planter.planted.filter((it) => it.kind === kind);
    expect({ kind, count: planted.length }).toEqual({ kind, count: expect.toSatisfy(isMany) });
  }
  for (const product of Object.keys(KEYS)) {
    const { accepted, ...fates } = await balanceOf(muster.analyst, product);
    expect(accepted).toBeGreaterThan(MANY_EVENTS);
    expect(fates.stored).toBeGreaterThan(MANY_EVENTS);
    expect(fates.quarantined).toBeGreaterThan(atScale(40, 100));
  }
  const [counts] = await muster.owner(
    `SELECT (SELECT count(*)::int FROM defect) AS defects,
            (SELECT count(*)::int FROM original_event) AS originals,
            (SELECT sum(event_count)::int FROM unidentified_event) AS unidentified,
            (SELECT count(*)::int FROM error_snapshot) AS errors,
            (SELECT count(*)::int FROM fleet.dropped_properties) AS dropped`,
  );
  for (const count of Object.values(counts!)) expect(count).toSatisfy(isMany);
});

const isMany = (count: number) => count >= atScale(100, 300);

test('a quarantined event keeps all its numbers, and only the length of its text', async () => {
  const properties = {
    ...{ nodes: 3, load: 1.5, isLeader: false, nothing: null, owner: 'Alice Zygalski' },
    deep: { list: [7, 'alice@example.com', { by: '' }] },
    'alice@example.com': 9,
    account_id: 123_456_789_012,
  };
  const kept = {
    ...{ nodes: 3, load: 1.5, isLeader: false, nothing: null, owner: { $length: 14 } },
    deep: { list: [7, { $length: 17 }, { by: { $length: 0 } }] },
    '[17]': 9,
    account_id: { $length: 12 },
  };
  const unit = { 'health-unit-a-total': '3', 'health-unit-a-unhealthy': 5 };
  const ids = await Promise.all([
    sendEvent('a_later_kind', properties),
    sendEvent('health', { ...properties, ...unit, 'health-unit-b-total': 1, variant: 'open' }),
  ]);
  await muster.drained();
  const [quarantined, defective] = await Promise.all(ids.map(originalOf));
  expect(quarantined).toEqual(kept);
  expect(defective).toEqual({ ...kept, ...unit, 'health-unit-b-total': 1, variant: 'open' });
});

async function sendEvent(event: string, properties: object): Promise<string> {
  const sent = eventOf('dcos', event, { ...properties, 'health-unit-c-total': 1 });
  await sendAll([sent]);
  return (JSON.parse(sent.body as string) as { installationId: string }).installationId;
}

async function originalOf(installationId: string): Promise<unknown> {
  const [row] = await muster.owner(
    `SELECT envelope->'properties' AS properties FROM original_event WHERE installation_id = $1`,
    [installationId],
  );
  const { 'health-unit-c-total': _, ...properties } = row!.properties;
  return properties;
}
