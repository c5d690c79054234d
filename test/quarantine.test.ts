import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { balanceOf } from './support/balance.js';
import { startMuster, type Muster } from './support/muster.js';

const daily = {
  about: 'Each day.',
  store: 'metrics',
  describes: true,
  metrics: [{ name: 'projects', kind: 'count', unit: '1', about: 'Projects.' }],
};

let folder: string;
let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-products-'));
  muster = await startMuster({
    writeKeys: { acme: 'wk_acme', dcos: 'wk_dcos' },
    workerEnv: { PRODUCTS_DIR: folder },
  });
  admin = await startAdmin(muster);
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
  await rm(folder, { recursive: true });
});

/** Empties the quarantine for the next test. */
async function discardAll() {
  await muster.drained();
  await completed(await asked('discards', { all: true }));
}

interface Sent {
  id: string;
  installationId: string;
  event: string;
  version: string;
}

const newEvent = (changes: Partial<Sent> = {}): Sent => ({
  ...{ id: randomUUID(), installationId: randomUUID(), event: 'yearly', version: '1.2' },
  ...changes,
});

async function send(...events: Sent[]) {
  const body = events.map((event) => ({
    ...event,
    product: 'acme',
    properties: { projects: 7, owner: 'Alice Zygalski' },
  }));
  const { status } = await muster.post('/v1/events', body, {
    headers: { authorization: 'Bearer wk_acme' },
  });
  expect(status).toBe(202);
  await muster.drained();
}

/** Restarts the worker with these events declared. All others stay unknown. */
async function declare(...kinds: string[]) {
  const events = Object.fromEntries(kinds.map((kind) => [kind, daily]));
  const declaration = { product: 'acme', about: 'It.', unknownEvents: 'quarantined', events };
  await writeFile(join(folder, 'acme.json'), JSON.stringify(declaration));
  await muster.workers[0]!.stop();
  await muster.workers[0]!.start();
}

async function asked(what: 'replays' | 'discards', body: object): Promise<string> {
  const { status, json } = await admin.ask('POST', `/v1/quarantine/${what}`, body);
  expect(status).toBe(202);
  return json.job.id;
}

const jobOf = async (id: string) => (await admin.ask('GET', `/v1/quarantine/jobs/${id}`)).json.job;

async function completed(id: string) {
  return vi.waitFor(
    async () => {
      const job = await jobOf(id);
      expect(job.state).toBe('complete');
      return job;
    },
    { timeout: 30_000, interval: 50 },
  );
}

const readings = ({ installationId }: Sent) =>
  muster.analyst(
    `SELECT product_version, metric, value FROM fleet.metric_readings WHERE installation_id = $1`,
    [installationId],
  );

const READING = { product_version: '1.2', metric: 'projects', value: 7 };

describe('undeclared events', () => {
  afterEach(discardAll);

  test('are stored by a replay once they are declared, and later copies are duplicates', async () => {
    const before = await balanceOf(muster.analyst, 'acme');
    const [first, second] = [newEvent({ event: 'daily' }), newEvent({ event: 'daily' })];
    await send(first, second);
    expect(await readings(first)).toEqual([]);
    await declare('daily');
    const job = await completed(await asked('replays', { filter: { product: 'acme' } }));
    expect(job).toMatchObject({
      ...{ kind: 'replay', filter: { product: 'acme' }, requestedBy: 'root', failure: null },
      ...{ total: 2, done: 2, stored: 2, quarantinedAgain: 0 },
    });
    expect([...(await readings(first)), ...(await readings(second))]).toEqual([READING, READING]);
    await send(first);
    expect(await readings(first)).toEqual([READING]);
    const { accepted, stored, duplicate, quarantined } = await balanceOf(muster.analyst, 'acme');
    expect({
      accepted: accepted - before.accepted,
      stored: stored - before.stored,
      duplicate: duplicate - before.duplicate,
      quarantined: quarantined - before.quarantined,
    }).toEqual({ accepted: 3, stored: 2, duplicate: 1, quarantined: 0 });
    const again = await completed(await asked('replays', { filter: { product: 'acme' } }));
    expect(again).toMatchObject({ total: 0, done: 0 });
  });

  test('are removed by a discard with their originals, and stay in the balance', async () => {
    const [gone, kept] = [newEvent({ event: 'weekly' }), newEvent()];
    await send(gone, kept);
    const before = await balanceOf(muster.analyst, 'acme');
    const job = await completed(await asked('discards', { filter: { event: 'weekly' } }));
    expect(job).toMatchObject({ kind: 'discard', total: 1, done: 1 });
    for (const table of ['quarantined_event', 'original_event']) {
      const rows = await muster.owner(
        `SELECT installation_id FROM ${table} WHERE installation_id = ANY ($1)`,
        [[gone.installationId, kept.installationId]],
      );
      expect(rows, table).toEqual([{ installation_id: kept.installationId }]);
    }
    expect(await balanceOf(muster.analyst, 'acme')).toEqual(before);
  });
});

describe('quarantined events', () => {
  afterEach(discardAll);

  test('are listed newest first, filtered and page by page, without their values', async () => {
    const events = Array.from({ length: 5 }, (_, at) =>
      newEvent({ version: at % 2 === 0 ? '1.0' : '2.0', event: at === 4 ? 'weekly' : 'yearly' }),
    );
    await send(...events);
    const { json, text } = await admin.ask('GET', '/v1/quarantine?product=acme');
    expect(json.next).toBeNull();
    expect(json.events.map((it: Sent) => it.installationId)).toEqual(
      events.map(({ installationId }) => installationId).reverse(),
    );
    expect(json.events[0]).toEqual({
      ...{ id: expect.stringMatching(/^\d+$/), product: 'acme', event: 'weekly', version: '1.0' },
      ...{ installationId: events[4]!.installationId, reason: 'unknown_event', path: 'event' },
      ...{ receivedAt: expect.any(String), observedAt: expect.any(String) },
    });
    expect(text).not.toContain('projects');

    const ids: string[] = [];
    for (let after = ''; ;) {
      const page = await admin.ask('GET', `/v1/quarantine?version=1.0&limit=2${after}`);
      ids.push(...page.json.events.map((it: Sent) => it.installationId));
      if (!page.json.next) break;
      after = `&after=${page.json.next}`;
    }
    expect(ids).toEqual([4, 2, 0].map((at) => events[at]!.installationId));
    const soon = new Date(Date.now() + 60_000).toISOString();
    for (const [query, count] of [
      ['event=weekly', 1],
      ['reason=unknown_event&path=event', 5],
      [`from=${soon}`, 0],
      [`to=${soon}`, 5],
    ]) {
      const page = await admin.ask('GET', `/v1/quarantine?${query}`);
      expect(page.json.events, String(query)).toHaveLength(Number(count));
    }
    const [row] = await muster.analyst(
      `SELECT event, product_version FROM fleet.quarantined_events WHERE installation_id = $1`,
      [events[1]!.installationId],
    );
    expect(row).toEqual({ event: 'yearly', product_version: '2.0' });
  });

  test('are summarised, including events without an installation, which cannot be replayed', async () => {
    await send(newEvent(), newEvent(), newEvent({ version: '2.0' }));
    const segment = { event: 'health', properties: { a: 1 }, messageId: randomUUID() };
    await muster.post(
      '/v1/batch',
      { batch: [{ type: 'track', ...segment }] },
      {
        headers: { authorization: `Basic ${Buffer.from('wk_dcos:').toString('base64')}` },
      },
    );
    await muster.drained();
    const { json } = await admin.ask('GET', '/v1/quarantine/summary');
    const times = { firstReceivedAt: expect.any(String), lastReceivedAt: expect.any(String) };
    const unknown = { product: 'acme', reason: 'unknown_event', path: 'event' };
    expect(json.groups).toEqual([
      { ...unknown, version: '1.2', events: 2, replayable: 2, ...times },
      { ...unknown, version: '2.0', events: 1, replayable: 1, ...times },
      {
        ...{ product: 'dcos', reason: 'installation_id_missing', version: null },
        ...{ path: expect.any(String), events: 1, replayable: 0, ...times },
      },
    ]);
    const { json: byReason } = await admin.ask('GET', '/v1/quarantine/summary?by=reason&version=');
    expect(byReason.groups).toMatchObject([{ reason: 'installation_id_missing', events: 1 }]);
  });

  test('show their original only to tokens that may replay, with an audit entry', async () => {
    const event = newEvent();
    await send(event);
    const { json } = await admin.ask('GET', '/v1/quarantine');
    const path = `/v1/quarantine/${json.events[0].id}`;
    const look = async (...scopes: Parameters<Admin['tokenFor']>[1] & object) => {
      const authorization = `Bearer ${await admin.tokenFor('looker', scopes)}`;
      return (await admin.ask('GET', path, undefined, { authorization })).json.event;
    };
    expect(await look('operations:read')).toEqual(json.events[0]);
    expect(await look('quarantine:write')).toEqual({
      ...json.events[0],
      content: {
        ...{ product: 'acme', event: 'yearly', version: '1.2', key: expect.any(String) },
        ...{ installationId: event.installationId, receivedAt: expect.any(Number) },
        properties: { projects: 7, owner: { $length: 14 } },
      },
    });
    const acts = await muster.owner(
      `SELECT act, detail, installation_hash IS NOT NULL AS has_hash FROM audit_log WHERE actor = 'looker'`,
    );
    const detail = { eventId: json.events[0].id };
    expect(acts).toEqual([{ act: 'quarantine.look', detail, has_hash: true }]);
  });
});

test('have one audit entry per replay or discard, with its filter', async () => {
  await muster.workers[0]!.stop();
  const filter = { product: 'acme', from: '2026-01-01T00:00:00+01:00' };
  const [one, same] = [await asked('replays', { filter }), await asked('replays', { filter })];
  const discard = await asked('discards', { filter: { version: '' } });
  await muster.workers[0]!.start();
  expect(same).toBe(one);
  const acts = await muster.owner(
    `SELECT actor, act, detail FROM audit_log WHERE act LIKE 'quarantine.%' ORDER BY audit_id DESC LIMIT 2`,
  );
  const normal = { product: 'acme', from: '2025-12-31T23:00:00.000Z' };
  expect(acts).toEqual([
    {
      ...{ actor: 'root', act: 'quarantine.discard' },
      detail: { jobId: discard, filter: { version: '' } },
    },
    { actor: 'root', act: 'quarantine.replay', detail: { jobId: one, filter: normal } },
  ]);
  const { json } = await admin.ask('GET', '/v1/quarantine/jobs?limit=2');
  expect(json.jobs.map(({ id }: { id: string }) => id)).toEqual([discard, one]);
  expect(json.next).toBe(one);
});

test.each<[method: string, path: string, body: object | undefined, place: string]>([
  ['POST', 'discards', {}, 'filter'],
  ['POST', 'discards', { filter: {} }, 'filter'],
  ['POST', 'discards', { all: 'yes' }, 'all'],
  ['POST', 'discards', { all: true, filter: { product: 'acme' } }, 'all'],
  ['POST', 'discards', { filter: { prodcut: 'acme' } }, 'filter.prodcut'],
  ['POST', 'replays', { filter: { installationId: randomUUID() } }, 'filter.installationId'],
  ['POST', 'replays', { filter: { reason: 'bad_luck' } }, 'filter.reason'],
  ['POST', 'replays', { filter: { product: 7 } }, 'filter.product'],
  ['POST', 'replays', { filter: { from: 'yesterday' } }, 'filter.from'],
  ['POST', 'replays', { filter: 'all' }, 'filter'],
  ['POST', 'replays', { product: 'acme' }, 'product'],
  ['GET', '?prodcut=acme', undefined, 'prodcut'],
  ['GET', '?after=first', undefined, 'after'],
  ['GET', '?limit=0', undefined, 'limit'],
  ['GET', '?to=soon', undefined, 'to'],
  ['GET', '?product=a&product=b', undefined, 'product'],
  ['GET', '/summary?by=installationId', undefined, 'by'],
  ['GET', '/jobs?after=first', undefined, 'after'],
])('%s %s %j is refused with the path of the error', async (method, path, body, place) => {
  const at = `/v1/quarantine${path.startsWith('?') || path.startsWith('/') ? path : `/${path}`}`;
  const { status, json } = await admin.ask(method, at, body);
  expect({ status, json }).toMatchObject({
    status: 400,
    json: { success: false, code: 'invalid_request', path: place },
  });
  expect(json.message).toMatch(/\.$/);
});
