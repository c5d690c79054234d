import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { formerIdsOf } from '#telemetry';
import { startAdmin, type Admin } from './support/admin.js';
import { IDENTITY_KEY, startMuster, type Muster } from './support/muster.js';
import { untilFollowed } from './support/policy.js';

let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true });
  admin = await startAdmin(muster);
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

/** Forms in which clients write the same GUID. */
const formsOf = (guid: string) => [
  guid,
  guid.toUpperCase(),
  guid.replaceAll('-', ''),
  `{${guid.toUpperCase()}}`,
  `(${guid})`,
  `urn:uuid:${guid}`,
  `URN:UUID:${guid.toUpperCase()}`,
  ` ${guid}\n`,
];

const UNITS = { 'health-unit-a-total': 1, 'health-unit-a-unhealthy': 0 };
const native = (installationId: string, event = 'health') => ({
  ...{ installationId, product: 'dcos', event, properties: UNITS },
});

const REQUESTS: [dialect: string, key: string, (id: string) => [path: string, body: object]][] = [
  ['Muster’s own', 'wk_dcos', (id) => ['/v1/events', native(id)]],
  [
    'Segment’s',
    'wk_dcos',
    (id) => [
      '/v1/track',
      { event: 'health', messageId: randomUUID(), anonymousId: id, properties: UNITS },
    ],
  ],
  [
    'PostHog’s',
    'wk_resoto',
    (id) => ['/capture', { event: 'system.started', uuid: randomUUID(), distinct_id: id }],
  ],
  ['a printed report’s', 'wk_dcos', (id) => ['/v1/reports', { clusterId: id, ...UNITS }]],
  [
    'Octopus’',
    'wk_octopus',
    (id) => [`/api/telemetry/${encodeURIComponent(id)}/2026-11-21`, { environments: 4 }],
  ],
];

async function send(path: string, body: object, key = 'wk_dcos') {
  const { status } = await muster.post(path, body, { headers: { authorization: `Bearer ${key}` } });
  expect(status).toBeLessThan(300);
}

async function storedUnder(ids: readonly string[]): Promise<string[]> {
  await muster.drained();
  const rows = await muster.analyst(
    'SELECT DISTINCT installation_id AS id FROM fleet.reports WHERE installation_id = ANY ($1)',
    [ids],
  );
  return rows.map(({ id }) => id as string);
}

async function heldOf(id: string): Promise<number> {
  const { json } = await admin.ask('GET', `/v1/installations/${encodeURIComponent(id)}`);
  return Object.values(json.rows as Record<string, number>).reduce((sum, rows) => sum + rows, 0);
}

async function untilErased(id: string, count = 1) {
  await vi.waitFor(async () => {
    const path = `/v1/erasures?installationId=${encodeURIComponent(id)}`;
    const { json } = await admin.ask('GET', path);
    const states = (json.erasures as { state: string }[]).map(({ state }) => state);
    expect(states).toEqual(Array(count).fill('complete'));
  }, 15_000);
}

test.each(REQUESTS)(
  'all forms of a GUID are the same installation in %s dialect',
  async (_, key, request) => {
    const guid = randomUUID();
    for (const form of formsOf(guid)) await send(...request(form), key);
    const former = formerIdsOf(guid, IDENTITY_KEY);
    expect(await storedUnder([guid, ...former])).toEqual([guid]);
  },
);

test('names of cloud resources are case-insensitive', async () => {
  const name = `arn:aws:eks:us-west-2:123456789012:cluster/${randomUUID()}/Prod`;
  for (const clusterId of [name, name.toUpperCase(), name.toLowerCase()]) {
    await send('/v1/track', { event: 'health', properties: { clusterId, ...UNITS } });
  }
  await muster.drained();
  const { json } = await admin.ask('GET', `/v1/installations/${encodeURIComponent(name)}`);
  expect(json.rows).toMatchObject({ report: 3 });
});

describe('rows that an earlier release stored under another id', () => {
  /** A GUID, and the ids under which earlier releases stored its URNs. */
  async function storedBefore() {
    const guid = randomUUID();
    const ids = [guid, ...formerIdsOf(guid, IDENTITY_KEY)];
    // A derived GUID that is sent directly is stored unchanged.
    for (const id of ids) await send('/v1/events', native(id));
    expect((await storedUnder(ids)).sort()).toEqual([...ids].sort());
    return { guid, ids };
  }

  test('are found by every form of the GUID', async () => {
    const { guid, ids } = await storedBefore();
    for (const form of formsOf(guid)) {
      const path = `/v1/installations/${encodeURIComponent(form)}`;
      const { json } = await admin.ask('GET', path);
      expect(json).toMatchObject({ installationId: guid, rows: { report: ids.length } });
      const dry = await admin.ask('POST', '/v1/erasures?dryRun=true', { installationIds: [form] });
      expect(dry.json).toMatchObject({ rows: { report: ids.length } });
      const { text } = await admin.ask('GET', `${path}/export`);
      const views = text
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { view: string }).view);
      expect(views.filter((view) => view === 'reports')).toHaveLength(ids.length);
    }
  });

  test.each([
    ['the GUID', (guid: string) => guid],
    ['its hexadecimal digits', (guid: string) => guid.replaceAll('-', '')],
    ['its URN', (guid: string) => `urn:uuid:${guid}`],
  ])('are erased and suppressed when %s is given', async (_, write) => {
    const { guid, ids } = await storedBefore();
    const form = encodeURIComponent(write(guid));
    const { json } = await admin.ask('DELETE', `/v1/installations/${form}`);
    expect(json.erasure).toMatchObject({ installations: 1 });
    await untilErased(guid);
    expect(await storedUnder(ids)).toEqual([]);
    for (const id of [...ids, ...formsOf(guid)]) await send('/v1/events', native(id));
    expect(await storedUnder(ids)).toEqual([]);
    expect(await heldOf(guid)).toBe(0);
  });

  test('are suppressed together with the id that the same form has today', async () => {
    const guid = randomUUID();
    const urn = `urn:uuid:${guid}`;
    const name = `arn:aws:eks:us-west-2:123456789012:cluster/${guid}/Prod`;
    const former = [urn, name].map((raw) => formerIdsOf(raw, IDENTITY_KEY)[0]!);
    await admin.ask('POST', '/v1/erasures', { mode: 'suppress', installationIds: former });
    await untilErased(former[0]!);
    await send('/v1/events', native(urn));
    await send('/v1/track', { event: 'health', properties: { clusterId: name, ...UNITS } });
    await muster.drained();
    expect(await heldOf(guid)).toBe(0);
    expect(await heldOf(name)).toBe(0);
  });

  test('are erased when the installation requests it, in any form', async () => {
    await admin.ask('PATCH', '/v1/products/dcos', { selfErasure: true });
    await untilFollowed(muster);
    for (const write of [(id: string) => id, (id: string) => `URN:UUID:${id}`]) {
      const { guid, ids } = await storedBefore();
      await send('/v1/events', native(write(guid), 'deletion_request'));
      await muster.drained();
      await untilErased(guid);
      expect(await storedUnder(ids)).toEqual([]);
    }
  });
});

describe('a placeholder GUID that clients without an id send', () => {
  const PLACEHOLDERS = [
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    '11111111-1111-4111-8111-111111111111',
    '03000200-0400-0500-0006-000700080009',
  ];

  const quarantined = async () => {
    await muster.drained();
    const [row] = await muster.analyst(
      `SELECT coalesce(sum(event_count), 0)::int AS count FROM fleet.quarantined_events
        WHERE reason = 'installation_id_placeholder' AND installation_id IS NULL`,
    );
    return row!.count as number;
  };

  test.each(REQUESTS)(
    'is quarantined with a separate reason in %s dialect',
    async (_, key, request) => {
      const before = await quarantined();
      const forms = PLACEHOLDERS.flatMap((guid) => [guid, `urn:uuid:${guid.toUpperCase()}`]);
      for (const form of forms) await send(...request(form), key);
      expect((await quarantined()) - before).toBe(forms.length);
      expect(await storedUnder(PLACEHOLDERS)).toEqual([]);
    },
  );

  test('can be erased only if an earlier release stored rows under it', async () => {
    const [nil, max] = PLACEHOLDERS as [string, string];
    for (const query of ['', '?dryRun=true']) {
      const installationIds = [randomUUID(), `{${max}}`];
      const refused = await admin.ask('POST', `/v1/erasures${query}`, { installationIds });
      expect(refused).toMatchObject({ status: 400, json: { path: 'installationIds[1]' } });
      expect(refused.json.message).toContain('is a placeholder that clients without an id send');
    }
    const time = new Date().toISOString();
    await muster.owner(`INSERT INTO installation VALUES ($1, 'dcos', $2, $2)`, [nil, time]);
    const { json } = await admin.ask('DELETE', `/v1/installations/${nil}`);
    await untilErased(nil);
    const done = await admin.ask('GET', `/v1/erasures/${json.erasure.id}`);
    expect(done.json.erasure.removed).toMatchObject({ installation: 1 });
  });
});

test('an invalid id is refused with a message that describes the valid forms', async () => {
  const { status, json } = await admin.ask('GET', '/v1/installations/alice');
  expect(status).toBe(400);
  expect(json.message).toBe('installationId must be a GUID or a cloud resource name.');
});
