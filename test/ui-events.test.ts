import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMuster, type Muster } from './support/muster.js';

let muster: Muster;

beforeAll(async () => {
  muster = await startMuster();
});

afterAll(() => muster.stop());

const ALICE = 'alice@example.com';
const BROWSER = 'a4a0c4d3-f67e-486c-ad40-73e7bfc02955';
const NOON = Date.now() - 3_600_000;

interface View {
  clusterId: string;
  path?: string;
  /** Milliseconds after noon. */
  at?: number;
  userId?: string | null;
  anonymousId?: string;
}

/** A page view as sent by analytics.js. */
function view({ clusterId, path = '/services', at = 0, ...rest }: View) {
  return {
    ...{ type: 'page', userId: null, anonymousId: BROWSER, ...rest },
    ...{ messageId: `ajs-${randomUUID()}`, writeKey: 'wk_dcos' },
    ...{ context: { library: { name: 'analytics.js', version: '4.1.11' } } },
    timestamp: new Date(NOON + at).toISOString(),
    properties: { clusterId, path, appVersion: '1.10.0', version: '1.10.11', title: 'DC/OS' },
  };
}

async function viewsOf(clusterId: string, columns = 'event, path') {
  await muster.drained();
  return muster.analyst(
    `SELECT ${columns} FROM fleet.ui_events WHERE installation_id = $1 ORDER BY occurred_at, path`,
    [clusterId],
  );
}

async function sendAll(views: object[]) {
  for (const body of views) {
    const { status } = await muster.post('/v1/p', body);
    expect(status).toBe(200);
  }
}

test('a page view that a browser sends twice is counted once, in any order of arrival', async () => {
  const clusterId = randomUUID();
  await sendAll([view({ clusterId, at: 30 }), view({ clusterId, at: 0 })]);
  expect(await viewsOf(clusterId)).toEqual([{ event: 'page_view', path: '/services' }]);
});

test('a view sent once with a service name and once with a placeholder is counted once, without the name', async () => {
  const clusterId = randomUUID();
  await sendAll([
    view({ clusterId, path: '/services/detail/%2Fteam-alice%2Fshop' }),
    view({ clusterId, path: '/services/detail/[id]', at: 5 }),
  ]);
  expect(await viewsOf(clusterId)).toEqual([{ event: 'page_view', path: '/services/detail/[id]' }]);
});

test('views of other browsers, pages or times are separate', async () => {
  const clusterId = randomUUID();
  await sendAll([
    view({ clusterId }),
    view({ clusterId, anonymousId: randomUUID() }),
    view({ clusterId, path: '/nodes' }),
    view({ clusterId, at: 2001 }),
  ]);
  expect((await viewsOf(clusterId)).map(({ path }) => path)).toEqual([
    '/nodes',
    '/services',
    '/services',
    '/services',
  ]);
});

test('a login sent twice is counted twice, because only page views are known to be sent twice', async () => {
  const clusterId = randomUUID();
  const login = () => ({
    ...view({ clusterId, userId: ALICE }),
    type: 'track',
    event: 'dcos_login',
  });
  for (const body of [login(), login()]) await muster.post('/v1/t', body);
  expect(await viewsOf(clusterId, 'event')).toEqual([{ event: 'login' }, { event: 'login' }]);
});

test('distinct users can be counted within an installation, but not across installations', async () => {
  const [one, other] = [randomUUID(), randomUUID()];
  const identify = (clusterId: string, email: string) => ({
    ...{ ...view({ clusterId }), type: 'identify', userId: email, properties: undefined },
    traits: { clusterId, email, name: 'Alice Zygalski' },
  });
  await muster.post('/v1/i', identify(one, ALICE));
  await muster.post('/v1/i', identify(one, ' Alice@Example.com '));
  await muster.post('/v1/i', { ...identify(one, 'bob@example.com'), userId: null });
  await muster.post('/v1/i', identify(other, ALICE));
  await sendAll([view({ clusterId: one, userId: ALICE })]);
  await muster.drained();
  const users = await muster.analyst(
    `SELECT installation_id, count(*)::int AS events, count(DISTINCT user_key)::int AS users
       FROM fleet.ui_events WHERE installation_id IN ($1, $2) GROUP BY 1`,
    [one, other],
  );
  expect(users).toHaveLength(2);
  expect(users).toContainEqual({ installation_id: one, events: 4, users: 2 });
  expect(users).toContainEqual({ installation_id: other, events: 1, users: 1 });
  const [{ shared }] = (await muster.analyst(
    `SELECT count(*)::int AS shared FROM fleet.ui_events a JOIN fleet.ui_events b USING (user_key)
      WHERE a.installation_id = $1 AND b.installation_id = $2`,
    [one, other],
  )) as [{ shared: number }];
  expect(shared).toBe(0);
});

test('a cluster that is identified by a cloud resource name always gets the same GUID', async () => {
  const arn = 'arn:aws:cloudformation:us-west-2:273854932432:stack/dcos/7f0d6c3e';
  const { json } = await muster.post('/v1/preview', view({ clusterId: arn }));
  const [{ installationId }] = json.events;
  expect(installationId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
  await sendAll([view({ clusterId: arn }), view({ clusterId: arn, path: '/nodes' })]);
  expect(await viewsOf(installationId)).toHaveLength(2);
  const other = arn.replace('273854932432', '273854932433');
  const answer = await muster.post('/v1/preview', view({ clusterId: other }));
  expect(answer.json.events[0].installationId).not.toBe(installationId);
});

test.each([
  'open /var/lib/dcos/cluster-id: no such file or directory',
  'arn:aws:cloudformation: no such stack',
  'undefined',
])('an event with %j as installation id is quarantined', async (clusterId) => {
  await muster.owner('TRUNCATE unidentified_event');
  await sendAll([view({ clusterId })]);
  await muster.drained();
  const rows = await muster.analyst(
    'SELECT installation_id, reason, path, keys FROM fleet.quarantined_events',
  );
  expect(rows).toEqual([
    {
      ...{ installation_id: null, reason: 'installation_id_invalid' },
      path: 'properties.clusterId',
      keys: ['appVersion', 'clusterId', 'path', 'title', 'version'],
    },
  ]);
});

test('properties of a page view other than its path are dropped, and only their names are counted', async () => {
  const clusterId = randomUUID();
  await sendAll([view({ clusterId })]);
  await muster.drained();
  const rows = await muster.analyst(
    `SELECT event, key, reports > 0 AS is_counted FROM fleet.dropped_properties
      WHERE product = 'dcos' AND event = 'page_view'`,
  );
  expect(rows).toEqual([{ event: 'page_view', key: 'title', is_counted: true }]);
});
