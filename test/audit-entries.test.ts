import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { TelemetryStore } from '#storage';
import { compileProducts, normalise } from '#telemetry';
import { startAdmin, type Admin } from './support/admin.js';
import { connectionsOf } from './support/database.js';
import { startMuster, SUPPRESSION_KEY, type Muster } from './support/muster.js';

let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true, workers: 0 });
  admin = await startAdmin(muster);
});
afterEach(() => muster.owner('DROP FUNCTION IF EXISTS kill CASCADE'));
afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

/** The connection of an act breaks when it writes its audit entry. */
const breakEntries = () =>
  muster.owner(`
    CREATE FUNCTION kill() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
      'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END';
    CREATE TRIGGER killing BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION kill()`);

const ask = async (method: string, path: string, body?: object) =>
  (await admin.ask(method, path, body)).status;

const day = { from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z', dryRun: false };
const newKey = async () =>
  (await admin.ask('POST', '/v1/keys', { product: 'dcos' })).json.key.id as string;
const newBlock = async () =>
  (await admin.ask('POST', '/v1/blocks', { product: 'dcos', event: randomUUID() })).json.block
    .id as string;
const newToken = async () => {
  const name = `t${randomUUID().slice(0, 8)}`;
  await admin.ask('POST', '/v1/tokens', { name });
  return name;
};

async function newFailedJob(): Promise<string> {
  const filter = { event: randomUUID() };
  const { json } = await admin.ask('POST', '/v1/quarantine/replays', { filter });
  const { id } = json.job as { id: string };
  await muster.owner(`UPDATE quarantine_job SET state = 'failed' WHERE job_id = $1`, [id]);
  return id;
}

async function newFailedPurge(): Promise<string> {
  const { json } = await admin.ask('POST', '/v1/purges', { key: await newKey(), ...day });
  const { id } = json.purge as { id: string };
  await muster.owner(`UPDATE purge SET state = 'failed' WHERE purge_id = $1`, [id]);
  return id;
}

async function newFailedErasure(): Promise<string> {
  const { json } = await admin.ask('POST', '/v1/erasures', { installationIds: [randomUUID()] });
  const { id } = json.erasure as { id: string };
  await muster.owner(`UPDATE erasure SET state = 'failed' WHERE erasure_id = $1`, [id]);
  return id;
}

/** The event of an installation that wants to be erased, as a worker stores it. */
async function saveDeletion(installationId: string): Promise<number> {
  const store = new TelemetryStore({
    database: connectionsOf(muster.databaseUrl),
    suppressionKey: SUPPRESSION_KEY,
  });
  const receivedAt = Date.now();
  const decisions = { isBlocked: () => false, asksForErasure: () => true };
  const event = normalise(
    { product: 'dcos', event: 'deletion_request', installationId, receivedAt, properties: {} },
    { products: compileProducts(), retentionMs: 400 * 86_400_000, decisions },
  );
  await store.save({
    ...{ batchId: randomUUID(), gatheredAt: receivedAt, accepted: [], events: [event] },
  });
  return 202;
}

/** The act of the entry, a table that it changes, what it needs, and the act itself. */
const ACTS: [
  act: string,
  table: string,
  prepare: () => Promise<string>,
  run: (id: string) => Promise<number>,
][] = [
  [
    'erasure.request',
    'erasure',
    () => Promise.resolve(randomUUID()),
    (id) => ask('POST', '/v1/erasures', { mode: 'erase', installationIds: [id] }),
  ],
  [
    'erasure.request',
    'erasure_target',
    () => Promise.resolve(randomUUID()),
    (id) => ask('DELETE', `/v1/installations/${id}`),
  ],
  ['erasure.request', 'suppression', () => Promise.resolve(randomUUID()), saveDeletion],
  ['erasure.retry', 'erasure', newFailedErasure, (id) => ask('POST', `/v1/erasures/${id}/retry`)],
  [
    'quarantine.replay',
    'quarantine_job',
    () => Promise.resolve(randomUUID()),
    (event) => ask('POST', '/v1/quarantine/replays', { filter: { event } }),
  ],
  [
    'quarantine.discard',
    'quarantine_job',
    () => Promise.resolve(randomUUID()),
    (event) => ask('POST', '/v1/quarantine/discards', { filter: { event } }),
  ],
  [
    'quarantine.retry',
    'quarantine_job',
    newFailedJob,
    (id) => ask('POST', `/v1/quarantine/jobs/${id}/retry`),
  ],
  ['purge.retry', 'purge', newFailedPurge, (id) => ask('POST', `/v1/purges/${id}/retry`)],
  ['purge.request', 'purge', newKey, (key) => ask('POST', '/v1/purges', { key, ...day })],
  [
    'key.create',
    'ingest_key',
    () => Promise.resolve(''),
    () => ask('POST', '/v1/keys', { product: 'dcos' }),
  ],
  ['key.rotate', 'ingest_key', newKey, (id) => ask('POST', `/v1/keys/${id}/rotate`)],
  ['key.revoke', 'ingest_key', newKey, (id) => ask('DELETE', `/v1/keys/${id}`)],
  [
    'token.create',
    'admin_token',
    () => Promise.resolve(`t${randomUUID().slice(0, 8)}`),
    (name) => ask('POST', '/v1/tokens', { name }),
  ],
  [
    'token.create',
    'admin_token',
    () => Promise.resolve(`t${randomUUID().slice(0, 8)}`),
    (name) => admin.tokenFor(name).then(() => 201),
  ],
  ['token.revoke', 'admin_token', newToken, (name) => ask('DELETE', `/v1/tokens/${name}`)],
  [
    'product.change',
    'product_policy',
    () => Promise.resolve(''),
    () => ask('PATCH', '/v1/products/dcos', { retentionDays: 300 }),
  ],
  [
    'block.create',
    'block_rule',
    () => Promise.resolve(randomUUID()),
    (event) => ask('POST', '/v1/blocks', { product: 'dcos', event }),
  ],
  ['block.remove', 'block_rule', newBlock, (id) => ask('DELETE', `/v1/blocks/${id}`)],
];

const rowsOf = (table: string) => muster.owner(`SELECT t::text AS row FROM ${table} t ORDER BY 1`);
const entries = async () => muster.owner('SELECT act, outcome FROM audit_log ORDER BY audit_id');

test.each(ACTS)(
  'if the audit entry of %s cannot be written, nothing changes in %s',
  async (act, table, prepare, run) => {
    const id = await prepare();
    const before = await rowsOf(table);
    const recorded = await entries();
    await breakEntries();
    expect(await run(id).catch(() => 500)).toBeGreaterThanOrEqual(500);
    expect(await rowsOf(table)).toEqual(before);
    expect(await entries()).toEqual(recorded);

    await muster.owner('DROP FUNCTION kill CASCADE');
    expect(await run(id)).toBeLessThan(300);
    expect(await rowsOf(table)).not.toEqual(before);
    expect(await entries()).toEqual([...recorded, { act, outcome: 'done' }]);
  },
);

test('actions are in the audit log with hashed ids, and audit entries cannot be changed or removed', async () => {
  const id = randomUUID();
  const reader = await admin.tokenFor('reader', ['installations:read']);
  const headers = { authorization: `Bearer ${reader}` };
  await admin.ask('DELETE', `/v1/installations/${id}`);
  await admin.ask('DELETE', `/v1/installations/${id}`, undefined, headers);
  const rows = await muster.owner(
    'SELECT actor, act, outcome, length(installation_hash) AS bytes FROM audit_log ORDER BY audit_id DESC LIMIT 2',
  );
  expect(rows).toEqual([
    { actor: 'reader', act: 'erasures:write', outcome: 'refused', bytes: null },
    { actor: 'root', act: 'erasure.request', outcome: 'done', bytes: 32 },
  ]);
  expect(JSON.stringify(await muster.owner('SELECT * FROM audit_log'))).not.toContain(id);
  for (const change of [
    'UPDATE audit_log SET actor = actor',
    'DELETE FROM audit_log',
    'TRUNCATE audit_log',
  ]) {
    await expect(muster.owner(change)).rejects.toThrow('The audit log is only added to');
  }
});
