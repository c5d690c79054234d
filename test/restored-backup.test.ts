import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, afterEach, beforeEach, expect, inject, test, vi } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { commandLine } from './support/command-line.js';
import { startMuster, type Muster } from './support/muster.js';

const KEY = { headers: { authorization: 'Bearer wk_dcos' } };

let folder: string;
let ledgerFile: string;
let muster: Muster;
let admin: Admin;
const backups: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-backup-'));
  ledgerFile = join(folder, 'ledger.ndjson');
  const env = { ERASURE_LEDGER_FILE: ledgerFile };
  muster = await startMuster({ workerEnv: env });
  admin = await startAdmin(muster, env);
});

afterEach(async () => {
  await admin.stop();
  await muster.stop();
  await rm(folder, { recursive: true });
});

afterAll(async () => {
  for (const backup of backups) await onServer(`DROP DATABASE IF EXISTS ${backup} WITH (FORCE)`);
});

async function onServer(...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: inject('services').serverUrl });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

const nameOf = (url: string) => new URL(url).pathname.slice(1);

/**
 * Stops the processes first, because a database can be copied or replaced only without connections.
 */
async function withoutProcesses(work: () => Promise<void>): Promise<void> {
  await admin.stop();
  await Promise.all(muster.workers.map((worker) => worker.stop()));
  await work();
}

async function startAgain(): Promise<void> {
  await Promise.all(muster.workers.map((worker) => worker.start()));
  admin = await startAdmin(muster, { ERASURE_LEDGER_FILE: ledgerFile });
}

const disconnect = (database: string) =>
  `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`;

/** Copies the current database. */
async function backUp(): Promise<string> {
  const [database, backup] = [nameOf(muster.databaseUrl), `backup_${Date.now()}`];
  backups.push(backup);
  await withoutProcesses(() =>
    onServer(disconnect(database), `CREATE DATABASE ${backup} TEMPLATE ${database}`),
  );
  await startAgain();
  return backup;
}

/** Replaces the database by a copy. `before` runs while the processes are stopped. */
async function restore(backup: string, before: () => Promise<unknown> = async () => null) {
  const database = nameOf(muster.databaseUrl);
  await withoutProcesses(async () => {
    await onServer(
      disconnect(database),
      `DROP DATABASE ${database} WITH (FORCE)`,
      `CREATE DATABASE ${database} TEMPLATE ${backup}`,
      `GRANT CONNECT, TEMPORARY ON DATABASE ${database} TO muster_app, analyst`,
    );
    await before();
  });
}

async function send(installationId: string, count = 1): Promise<void> {
  const events = Array.from({ length: count }, () => ({
    ...{ id: randomUUID(), installationId, product: 'dcos', event: 'health' },
    properties: { 'health-unit-a-total': 1, 'health-unit-a-unhealthy': 0 },
  }));
  const { status } = await muster.post('/v1/events', events, KEY);
  expect(status).toBe(202);
}

async function reportsOf(id: string): Promise<number> {
  const rows = await muster.owner(
    'SELECT count(*)::int AS count FROM report WHERE installation_id = $1',
    [id],
  );
  return rows[0]!.count as number;
}

async function erase(mode: string, ...installationIds: string[]): Promise<string> {
  const { json } = await admin.ask('POST', '/v1/erasures', { mode, installationIds });
  await completed(json.erasure.id);
  return json.erasure.id;
}

async function completed(id: string) {
  return vi.waitFor(
    async () => {
      const { json } = await admin.ask('GET', `/v1/erasures/${id}`);
      expect(json.erasure?.state).toBe('complete');
      return json.erasure;
    },
    { timeout: 30_000, interval: 100 },
  );
}

test('a restored database repeats the erasures that it lost, and keeps suppressing their installations', async () => {
  const [gone, opened, once, kept] = Array.from({ length: 4 }, () => randomUUID()) as [
    ...[string, string, string, string],
  ];
  for (const id of [gone, opened, once, kept]) await send(id);
  await muster.drained();
  const backup = await backUp();

  const erasure = await erase('erase_and_suppress', gone, opened);
  await erase('lift', opened);
  const single = await erase('erase', once);
  const { json: first } = await admin.ask('GET', `/v1/erasures/${erasure}/certificate`);
  expect(first.statement.ledger).toMatchObject({ sequence: expect.any(Number) });

  // All four send more while the workers are stopped. These events wait in the queue.
  await restore(backup, async () => {
    for (const id of [gone, opened, once, kept]) await send(id);
  });
  expect(await reportsOf(gone)).toBe(1);
  await startAgain();
  await muster.drained();
  expect(await completed(erasure)).toMatchObject({ reappliedAt: expect.any(String) });
  await completed(single);
  expect({
    gone: await reportsOf(gone),
    opened: await reportsOf(opened),
    once: await reportsOf(once),
    kept: await reportsOf(kept),
  }).toEqual({ gone: 0, opened: 1, once: 1, kept: 2 });
  await send(gone);
  await send(opened);
  await muster.drained();
  expect([await reportsOf(gone), await reportsOf(opened)]).toEqual([0, 2]);

  const { json: audit } = await admin.ask('GET', '/v1/audit?limit=50');
  const acts = audit.acts as { actor: string; act: string }[];
  const reapplied = acts.filter(({ act }) => act === 'erasure.reapply');
  expect(reapplied.map(({ actor }) => actor)).toEqual(['ledger', 'ledger', 'ledger']);
  const { json: again } = await admin.ask('GET', `/v1/erasures/${erasure}/certificate`);
  expect(again.statement).toMatchObject({ id: erasure, removed: { report: 2 } });
  const { json: report } = await admin.ask('POST', '/v1/erasures/verify');
  expect(report).toMatchObject({
    ...{ isDamaged: false, agree: true, fault: null },
    forgotten: { erasures: [], suppressions: 0, lifts: 0, reappeared: 0 },
  });
}, 180_000);

test('if Redis and the database are both restored, the ledger comes from the file', async () => {
  const id = randomUUID();
  await send(id);
  await muster.drained();
  const backup = await backUp();
  const erasure = await erase('erase_and_suppress', id);
  await restore(backup, async () => {
    const redis = new Redis(muster.redisUrl);
    await redis.del(`${muster.queuePrefix}:erasure-ledger`);
    redis.disconnect();
  });
  await startAgain();
  await completed(erasure);
  expect(await reportsOf(id)).toBe(0);
}, 120_000);

test('verify finds missing suppressions and erased installations that have rows', async () => {
  const id = randomUUID();
  await send(id);
  await muster.drained();
  await erase('erase_and_suppress', id);
  await muster.owner('DELETE FROM suppression');
  await send(id);
  await muster.drained();
  expect(await reportsOf(id)).toBe(1);

  const dry = await admin.ask('POST', '/v1/erasures/verify?dryRun=true');
  const missing = { erasures: [], suppressions: 1, lifts: 0, reappeared: 1 };
  expect(dry.json).toMatchObject({ dryRun: true, isDamaged: false, forgotten: missing });
  expect(await muster.owner('SELECT FROM suppression')).toEqual([]);
  const { json } = await admin.ask('POST', '/v1/erasures/verify');
  expect(json.forgotten).toEqual(missing);
  await vi.waitFor(async () => expect(await reportsOf(id)).toBe(0), 20_000);
  await send(id);
  await muster.drained();
  expect(await reportsOf(id)).toBe(0);
}, 60_000);

test('verify reports a ledger that was tampered with or lacks entries known to the database', async () => {
  await erase('suppress', randomUUID());
  await erase('suppress', randomUUID());
  const lines = (await readFile(ledgerFile, 'utf8')).trimEnd().split('\n');
  await Promise.all(muster.workers.map((worker) => worker.stop()));
  await writeFile(ledgerFile, `${lines.slice(1).join('\n')}\n`);
  const tampered = await admin.ask('POST', '/v1/erasures/verify?dryRun=true');
  expect(tampered.json).toMatchObject({
    ...{ isDamaged: true, agree: false },
    copies: [
      { copy: 'redis', entries: 2, fault: null },
      { copy: 'file', entries: 0, fault: { reason: 'missing', sequence: 1 } },
    ],
  });
  const run = commandLine(admin.app.ready.port!, admin.token);
  const reported = await run('erasures', 'verify', '--dry-run');
  expect(reported).toMatchObject({ code: 3, stderr: expect.stringContaining('is damaged') });
  expect(reported.stdout).toMatch(/copy in file +0, missing at entry 1/);
  const redis = new Redis(muster.redisUrl);
  await redis.ltrim(`${muster.queuePrefix}:erasure-ledger`, 0, 0);
  redis.disconnect();
  await writeFile(ledgerFile, `${lines[0]}\n`);
  await admin.ask('POST', '/v1/erasures/verify?dryRun=true');
  await muster.owner("UPDATE ledger_place SET sequence = 2, hash = 'of an entry that is lost'");
  const truncated = await admin.ask('POST', '/v1/erasures/verify');
  expect(truncated.json).toMatchObject({
    ...{ isDamaged: true, agree: true },
    fault: { reason: 'truncated', sequence: 2 },
  });
  expect(await run('erasures', 'verify', '--accept-loss')).toMatchObject({ code: 3 });
  expect(await run('erasures', 'verify')).toMatchObject({
    ...{ code: 0, stdout: expect.stringContaining('is missing no erasures') },
  });
  const { json } = await admin.ask('POST', '/v1/erasures/verify');
  expect(json).toMatchObject({ isDamaged: false, head: { sequence: 2 } });
}, 60_000);

test('an erasure gets no certificate while the ledger cannot be written', async () => {
  await rm(folder, { recursive: true });
  await writeFile(folder, 'where the folder was');
  const { json } = await admin.ask('POST', '/v1/erasures', { installationIds: [randomUUID()] });
  const id = json.erasure.id as string;
  await vi.waitFor(async () => {
    const { json: now } = await admin.ask('GET', `/v1/erasures/${id}`);
    expect(now.erasure).toMatchObject({ completedAt: null, failure: 'ledger_not_writable' });
  }, 20_000);
  await rm(folder);
  await completed(id);
}, 60_000);
