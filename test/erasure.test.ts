import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Rollups } from '#storage';
import { startAdmin, type Admin } from './support/admin.js';
import { balanceOf } from './support/balance.js';
import { commandLine } from './support/command-line.js';
import { startMuster, type Muster } from './support/muster.js';
import { connectionsOf } from './support/database.js';

const KEY = { headers: { authorization: 'Bearer wk_dcos' } };

let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  muster = await startMuster({ workers: 2 });
  admin = await startAdmin(muster);
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

function eventsOf(installationId: string) {
  const of = (event: string, properties: object) => ({
    ...{ id: randomUUID(), installationId, product: 'dcos', event, properties },
  });
  return [
    of('health', { 'health-unit-a-total': 1, 'health-unit-a-unhealthy': 0 }),
    of('mesos_track', { cpu_total: 4, mem_total: -1 }),
    of('unheard-of', { x: 1 }),
  ];
}

async function send(installationId: string) {
  const { status } = await muster.post('/v1/events', eventsOf(installationId), KEY);
  expect(status).toBe(202);
}

async function completed(id: string) {
  return vi.waitFor(
    async () => {
      const { json } = await admin.ask('GET', `/v1/erasures/${id}`);
      expect(json.erasure.state).toBe('complete');
      return json.erasure;
    },
    { timeout: 20_000, interval: 50 },
  );
}

/** Every place in the database that contains a text. */
async function occurrences(text: string): Promise<string[]> {
  const tables = await muster.owner(
    `SELECT c.oid::regclass::text AS name FROM pg_class c
      WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace`,
  );
  const found = await Promise.all(
    tables.map(async ({ name }) => {
      const rows = await muster.owner(
        `SELECT 1 FROM ${name} t WHERE strpos(t::text, $1) > 0 LIMIT 1`,
        [text],
      );
      return rows.length > 0 ? [name as string] : [];
    }),
  );
  return found.flat();
}

/**
 * Refreshes all rollups now, so that the worker's refresh every minute does not add rows that were
 * not counted.
 */
async function refreshRollups(): Promise<void> {
  const rollups = new Rollups(connectionsOf(muster.databaseUrl));
  await rollups.refresh();
}

test('an erased installation disappears from the database, Redis and logs, and its later events are not stored', async () => {
  const id = randomUUID();
  await send(id);
  await muster.drained();
  expect((await occurrences(id)).length).toBeGreaterThan(5);
  const { status, json } = await admin.ask('DELETE', `/v1/installations/${id.toUpperCase()}`);
  expect(status).toBe(202);
  expect(json.erasure).toMatchObject({ mode: 'erase_and_suppress', installations: 1 });
  const erasure = await completed(json.erasure.id);
  expect(erasure.removed).toMatchObject({ report: 2, defect: 1, quarantined_event: 1 });

  await send(id);
  await muster.drained();
  expect(await occurrences(id)).toEqual([]);
  expect(await balanceOf(muster.analyst)).toMatchObject({ suppressed: 3 });
  const redis = new Redis(muster.redisUrl);
  const keys = await redis.keys(`${muster.queuePrefix}*`);
  const values = await Promise.all(keys.map((key) => redis.dump(key)));
  redis.disconnect();
  expect(keys.join() + values.join()).not.toContain(id);
  const logs = [admin.app, muster.ingest, ...muster.workers].map((app) => app.log).join();
  expect(logs).not.toContain(id);
});

test('an erasure removes an event that was queued before it', async () => {
  const id = randomUUID();
  const waiting = await startMuster({ workers: 0 });
  const its = await startAdmin(waiting);
  try {
    await waiting.post('/v1/events', eventsOf(id), KEY);
    const { json } = await its.ask('DELETE', `/v1/installations/${id}`);
    await waiting.addWorker();
    await vi.waitFor(
      async () => {
        const answer = await its.ask('GET', `/v1/erasures/${json.erasure.id}`);
        expect(answer.json.erasure.state).toBe('complete');
      },
      { timeout: 20_000 },
    );
    await waiting.drained();
    for (const table of ['installation', 'report', 'quarantined_event', 'original_event']) {
      expect(await waiting.owner(`SELECT FROM ${table}`), table).toEqual([]);
    }
    // Stored and then removed, or never stored, depending on which came first.
    const { stored, quarantined, suppressed } = await balanceOf(waiting.analyst);
    expect(stored + quarantined + suppressed).toBe(3);
  } finally {
    await its.stop();
    await waiting.stop();
  }
});

test('an installation is found by the id that its product displays', async () => {
  const own = '2f3fbe64-e56d-11f1-98d1-02fc00000001'; // version 1: stored under a derived id
  await send(own);
  await muster.drained();
  const { json: summary } = await admin.ask('GET', `/v1/installations/${own}`);
  expect(summary.installationId).not.toBe(own);
  expect(summary.rows).toMatchObject({ report: 2 });
  const { json } = await admin.ask('DELETE', `/v1/installations/${own}`);
  await completed(json.erasure.id);
  const after = await admin.ask('GET', `/v1/installations/${own}`);
  expect(Object.values(after.json.rows as Record<string, number>).every((n) => n === 0)).toBe(true);
});

test('a certificate can be verified offline, and a change to it is detected', async () => {
  const id = randomUUID();
  await send(id);
  await muster.drained();
  const { json } = await admin.ask('DELETE', `/v1/installations/${id}`);
  await completed(json.erasure.id);
  const { json: certificate } = await admin.ask(
    'GET',
    `/v1/erasures/${json.erasure.id}/certificate`,
  );
  expect(certificate.statement).toMatchObject({
    id: json.erasure.id,
    mode: 'erase_and_suppress',
    installations: [createHash('sha256').update(id).digest('hex')],
    removed: { report: 2 },
    software: expect.stringMatching(/^muster \d/),
  });
  expect(Object.values(certificate.statement.verified).every((count) => count === 0)).toBe(true);
  const { text: pem } = await admin.ask('GET', '/v1/erasure-key', undefined, { authorization: '' });
  const folder = await mkdtemp(join(tmpdir(), 'muster-certificate-'));
  // Nothing listens there.
  const offline = commandLine(1, 'no token');
  try {
    const check = async (it: object, ...more: string[]) => {
      await writeFile(join(folder, 'certificate.json'), JSON.stringify(it));
      await writeFile(join(folder, 'key.pem'), pem);
      const args = [join(folder, 'certificate.json'), '--key', join(folder, 'key.pem'), ...more];
      const { code, stdout, stderr } = await offline('erasures', 'verify-certificate', ...args);
      return { isGood: code === 0, said: stdout + stderr };
    };
    const says = (isGood: boolean, text: string) => ({
      isGood,
      said: expect.stringContaining(text),
    });
    expect(await check(certificate, '--id', id)).toEqual(says(true, 'The certificate is genuine'));
    expect(await check(certificate, '--id', randomUUID())).toEqual(says(false, 'NOT cover'));
    const timeBased = '70b28f00-e38f-11b2-a723-aab344f535b9';
    expect(await check(certificate, '--id', timeBased)).toEqual(
      says(false, 'is stored as another one'),
    );
    const changed = { ...certificate, statement: { ...certificate.statement, removed: {} } };
    expect(await check(changed)).toEqual(says(false, 'NOT genuine'));
  } finally {
    await rm(folder, { recursive: true });
  }
}, 60_000);

test('one request erases many installations, as JSON or CSV, and a dry run counts their rows first', async () => {
  const ids = [randomUUID(), randomUUID()];
  for (const id of ids) await send(id);
  await muster.drained();
  await refreshRollups();
  const dry = await admin.ask('POST', '/v1/erasures?dryRun=true', { installationIds: ids });
  expect(dry.json).toMatchObject({
    dryRun: true,
    rows: { report: 4, quarantined_event: 2, installation_day: 2, installation_life: 2 },
  });
  expect(await occurrences(ids[0]!)).not.toEqual([]);
  const { json } = await admin.ask('POST', '/v1/erasures', `installation_id\n${ids.join('\n')}\n`);
  expect(json.erasure).toMatchObject({ installations: 2, mode: 'erase_and_suppress' });
  expect(await completed(json.erasure.id)).toMatchObject({ removed: dry.json.rows });
  const lift = await admin.ask('POST', '/v1/erasures', { mode: 'lift', installationIds: ids });
  await completed(lift.json.erasure.id);
  await send(ids[0]!);
  await muster.drained();
  expect(await occurrences(ids[0]!)).not.toEqual([]);
});

test.each([
  [{ installationIds: ['no guid'] }, 'installationIds[0]'],
  [{ installationIds: [] }, 'installationIds'],
  [{ installationIds: [randomUUID()], mode: 'forget' }, 'mode'],
  [{}, 'installationIds'],
])('%j is refused with the path of the error', async (body, path) => {
  const { status, json } = await admin.ask('POST', '/v1/erasures', body);
  expect({ status, json }).toMatchObject({
    status: 400,
    json: { success: false, code: 'invalid_request', path },
  });
  expect(json.message).not.toContain('no guid');
});

test('repeating a request returns the same erasure, and erasures are listed page by page', async () => {
  const ids = { installationIds: [randomUUID()], mode: 'suppress' };
  const keyed = { 'idempotency-key': randomUUID() };
  const first = await admin.ask('POST', '/v1/erasures', ids, keyed);
  const again = await admin.ask('POST', '/v1/erasures', ids, keyed);
  expect(again.json.erasure.id).toBe(first.json.erasure.id);
  const others = { ...ids, installationIds: [randomUUID()] };
  expect(await admin.ask('POST', '/v1/erasures', others, keyed)).toMatchObject({
    ...{ status: 409, json: { code: 'idempotency_key_reused', path: 'Idempotency-Key' } },
  });
  const retry = await admin.ask('POST', `/v1/erasures/${first.json.erasure.id}/retry`);
  expect(retry).toMatchObject({ status: 409, json: { code: 'conflict' } });
  await completed(first.json.erasure.id);
  const all: string[] = [];
  for (let after = ''; ;) {
    const { json } = await admin.ask('GET', `/v1/erasures?limit=3${after && `&after=${after}`}`);
    all.push(...json.erasures.map(({ id }: { id: string }) => id));
    if (!json.next) break;
    after = json.next;
  }
  expect(new Set(all).size).toBe(all.length);
  expect(all[0]).toBe(first.json.erasure.id);
  const { json: complete } = await admin.ask('GET', '/v1/erasures?state=complete&limit=500');
  expect(complete.erasures.map(({ id }: { id: string }) => id)).toEqual(all);
  const [installationId] = ids.installationIds;
  const { json: its } = await admin.ask('GET', `/v1/erasures?installationId=${installationId}`);
  expect(its.erasures.map(({ id }: { id: string }) => id)).toEqual([first.json.erasure.id]);
});

test('all data of an installation can be exported, one row per line', async () => {
  const id = randomUUID();
  await send(id);
  await muster.drained();
  const { text, headers } = await admin.ask('GET', `/v1/installations/${id}/export`);
  expect(headers['content-type']).toBe('application/x-ndjson');
  const rows = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const views = rows.map(({ view }) => view as string);
  expect(views).toEqual(
    expect.arrayContaining(['defects', 'health_readings', 'installations', 'quarantined_events']),
  );
  expect(views.filter((view) => view === 'reports')).toHaveLength(2);
  expect(views.filter((view) => view === 'resource_readings')).toHaveLength(1);
  expect(rows.every(({ row }) => row.installation_id === id)).toBe(true);
});
