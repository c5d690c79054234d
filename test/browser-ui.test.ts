import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBrowser, type Seen, type UiBrowser } from './support/browser.js';
import { startMuster, type Muster } from './support/muster.js';

const KEY = 'wk_dcos';
const SUCCESS = { status: 200, text: '{"success":true}' };
const HIDDEN = { status: 0, text: '' };

/** The context that the DC/OS UI tells the client not to send. */
const BLANK = { referrer: '', url: '', path: '', title: '' };

let browser: UiBrowser;
let muster: Muster;
/** A page that sends to this ingest. */
let ui: Awaited<ReturnType<typeof visit>>;

beforeAll(async () => {
  browser = await startBrowser();
  muster = await startMuster();
  ui = await visit(muster);
});

afterAll(async () => {
  await browser.stop();
  await muster.stop();
});

test('a visit to the DC/OS UI, sent by Segment’s client, is stored', async () => {
  const id = randomUUID();
  const about = aboutOf(id);
  const options = { page: BLANK };
  const answers = [
    await ui.page({ ...about, ...BLANK, path: '/login?target=/nodes' }),
    await ui.identify('alice@example.com', { ...about, email: 'alice@example.com' }, options),
    await ui.track('dcos_login', about, options),
    await ui.page('Service', { ...about, ...BLANK, path: '/services/detail/[id]' }),
    await ui.track('dcos_logout', about, options),
  ];
  expect(answers.map(seen)).toEqual(answers.map(() => SUCCESS));
  expect(await uiEventsOf(muster, id)).toEqual([
    rowOf(id, 'page_view', '/login'),
    rowOf(id, 'identify', null),
    rowOf(id, 'login', null),
    rowOf(id, 'page_view', '/services/detail/[id]'),
    rowOf(id, 'logout', null),
  ]);
  expect(await usersOf(muster, id)).toEqual([{ events: 5, of_users: 4, users: 1, addresses: 0 }]);
});

test('a page may send its key in a header after a CORS preflight', async () => {
  const id = randomUUID();
  expect(await ui.fetch(`${muster.ingestUrl}/v1/p`, keyInHeader(id))).toEqual(SUCCESS);
  expect(await uiEventsOf(muster, id)).toEqual([rowOf(id, 'page_view', '/nodes')]);
});

test('a page may send a JSON beacon, which a browser sends with credentials', async () => {
  const id = randomUUID();
  const { body } = keyInHeader(id);
  const beacon = { ...JSON.parse(body as string), writeKey: KEY };
  for (const type of ['application/json', 'text/plain']) {
    await ui.beacon(`${muster.ingestUrl}/v1/p`, JSON.stringify(beacon), type);
  }
  await expect.poll(() => uiEventsOf(muster, id), { timeout: 5000 }).toHaveLength(2);
});

test('a beacon in Muster’s own dialect may have its key in the query, and no log contains the key', async () => {
  const installationId = randomUUID();
  const properties = { 'health-unit-a-total': 1, 'health-unit-a-unhealthy': 0 };
  const event = JSON.stringify({ installationId, product: 'dcos', event: 'health', properties });
  await ui.beacon(`${muster.ingestUrl}/v1/events?writeKey=${KEY}`, event, 'application/json');
  const stored = () =>
    muster.analyst('SELECT kind FROM fleet.reports WHERE installation_id = $1', [installationId]);
  await expect.poll(stored, { timeout: 5000 }).toEqual([{ kind: 'health' }]);
  const wrong = await muster.post('/v1/events?writeKey=wk_nobody', event);
  expect(wrong.status).toBe(401);
  expect(muster.ingest.log).not.toMatch(/wk_/);
});

test('a page may send with credentials and read the response', async () => {
  const id = randomUUID();
  const request = { ...keyInHeader(id), credentials: 'include' } as const;
  expect(await ui.fetch(`${muster.ingestUrl}/v1/p`, request)).toEqual(SUCCESS);
});

test('a page over a limit may read Retry-After', async () => {
  const limited = await anotherIngest({ PREVIEW_EVENTS_PER_MINUTE: '1' });
  const its = await visit(limited);
  const url = `${limited.ingestUrl}/v1/preview?dialect=segment`;
  expect((await its.fetch(url, keyInHeader(randomUUID()))).status).toBe(200);
  const refused = await its.fetch(url, keyInHeader(randomUUID()));
  expect(refused.status).toBe(429);
  expect(Number(refused.retryAfter)).toBeGreaterThan(0);
});

test('a page of another origin can neither read the response nor send a header', async () => {
  const strict = await anotherIngest({ CORS_ORIGINS: 'https://ui.example.com' });
  const id = randomUUID();
  const its = await visit(strict);
  expect(seen(await its.page(aboutOf(randomUUID())))).toEqual(HIDDEN);
  const refused = its.fetch(`${strict.ingestUrl}/v1/p`, keyInHeader(id));
  await expect(refused).rejects.toThrow('Failed to fetch');
  expect(await uiEventsOf(muster, id)).toEqual([]);
});

/** An ingest of its own, with the same queue. */
async function anotherIngest(env: Record<string, string>): Promise<{ ingestUrl: string }> {
  const { app } = await muster.addIngest(env);
  return { ingestUrl: `https://localhost:${app.ready.port}` };
}

function visit({ ingestUrl }: { ingestUrl: string }) {
  return browser.visit(`${new URL(ingestUrl).host}/v1`, KEY);
}

/** Properties that the DC/OS UI (1.10.11 here) adds to every event. */
function aboutOf(clusterId: string) {
  return {
    appVersion: '1.10.0',
    version: '1.10.11',
    'dcos-image-commit': '43eff42b8eb9c5bf5d27b0d56e42b9ffe9ae2b32',
    'bootstrap-id': '88d5b8c52eba580b9ee8418410a0d85cfe4c19e5',
    clusterId,
  };
}

/** A request as newer clients send it. */
function keyInHeader(clusterId: string): RequestInit {
  return {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${KEY}:`)}`, 'content-type': 'text/plain' },
    body: JSON.stringify({ properties: { ...aboutOf(clusterId), path: '/nodes' } }),
  };
}

function seen({ status, text }: Seen): Seen {
  return { status, text };
}

function rowOf(id: string, event: string, path: string | null) {
  return {
    installation_id: id,
    product: 'dcos',
    product_version: '1.10.11',
    event,
    path,
    app_version: '1.10.0',
  };
}

/** How many events have a user, how many there are, and whether a user is stored by name. */
async function usersOf({ analyst }: Muster, id: string) {
  return analyst(
    `SELECT count(*)::int AS events, count(user_key)::int AS of_users,
            count(DISTINCT user_key)::int AS users,
            (count(*) FILTER (WHERE e::text LIKE '%alice%'))::int AS addresses
       FROM fleet.ui_events e WHERE installation_id = $1`,
    [id],
  );
}

async function uiEventsOf({ drained, analyst }: Muster, id: string) {
  await drained();
  return analyst(
    `SELECT installation_id, product, product_version, event, path, app_version
       FROM fleet.ui_events WHERE installation_id = $1 ORDER BY received_at`,
    [id],
  );
}
