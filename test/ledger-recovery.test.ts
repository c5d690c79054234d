import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { LedgerList } from '#queue';
import {
  ErasureLedger,
  ErasureStore,
  LedgerComparison,
  reconcile,
  verifyLedger,
  type ErasureMode,
  type LedgerPlace,
} from '#storage';
import { Asker, connectionsOf, createDatabase, type TestDatabase } from './support/database.js';
import { carryOut } from './support/erasures.js';
import { connectTo, sharedRedis } from './support/redis.js';

const suppressionKey = 'only-for-tests';
const HOUR_MS = 3_600_000;
const LONG_AGO = new Date(Date.now() - HOUR_MS).toISOString();
const APPLY = { isThorough: false, isDryRun: false };

let database: TestDatabase;
let owner: Asker;
let erasures: ErasureStore;
let comparison: LedgerComparison;
let installationId: string;

beforeAll(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  const options = { database: connectionsOf(database.url), suppressionKey };
  erasures = new ErasureStore(options);
  comparison = new LedgerComparison(options);
});

afterAll(async () => {
  await owner.end();
  await database.drop();
});

beforeEach(async () => {
  installationId = randomUUID();
  await owner.ask(
    "INSERT INTO installation (installation_id, product, first_seen_at, last_seen_at) VALUES ($1, 'dcos', now(), now())",
    [installationId],
  );
  await owner.ask("UPDATE ledger_place SET sequence = 0, hash = repeat('0', 64)");
});

/** What the ledger holds about an erasure of the installation that the database does not know. */
function remembered(mode: ErasureMode, erasureId: string = randomUUID()) {
  const digest = createHmac('sha256', suppressionKey)
    .update(`suppression\0${installationId}`)
    .digest('base64url');
  const kind = mode === 'lift' ? ('lifted' as const) : ('erased' as const);
  return {
    ...{ erasureId, mode, kind, requestedAt: LONG_AGO, at: LONG_AGO, installations: [digest] },
    place: { sequence: 1, hash: 'of the entry' },
  };
}

/** A chain of one entry. */
function chainOf({ place, ...record }: ReturnType<typeof remembered>) {
  const rest = { format: 1 as const, previousHash: '', keyId: '', signature: '' };
  const entry = { ...record, ...rest, sequence: place.sequence };
  return { entries: [entry], head: place, fault: null };
}

const request = (mode: ErasureMode) =>
  erasures.request({ mode, installationIds: [installationId] }, 'start');

async function isSuppressed(): Promise<boolean> {
  const [digest] = remembered('lift').installations;
  const hash = Buffer.from(digest!, 'base64url');
  const rows = await owner.ask('SELECT FROM suppression WHERE installation_hash = $1', [hash]);
  return rows.length > 0;
}

test('a database that loses an erasure again while it is compared does not count as complete', async () => {
  const chain = chainOf(remembered('suppress'));
  const read = () => Promise.resolve(chain);
  const failingOver = new (class extends LedgerComparison {
    override async apply(...args: Parameters<LedgerComparison['apply']>) {
      const forgotten = await super.apply(...args);
      await owner.ask(
        `WITH target AS (DELETE FROM erasure_target WHERE erasure_id = ANY ($1)),
              subject AS (DELETE FROM erasure_subject WHERE erasure_id = ANY ($1))
         DELETE FROM erasure WHERE erasure_id = ANY ($1)`,
        [forgotten.erasures],
      );
      return forgotten;
    }
  })({ database: connectionsOf(database.url), suppressionKey });
  const lost = reconcile(chain.head, { read, comparison: failingOver });
  await expect(lost).rejects.toThrow('lost erasures');
  expect(await comparison.place()).toMatchObject({ sequence: 0 });
  await reconcile(chain.head, { read, comparison });
  expect(await comparison.place()).toEqual(chain.head);
});

test('a database that followed any branch that has lost since is in step', async () => {
  const formerly = [
    { sequence: 2, hash: 'in the first branch' },
    { sequence: 4, hash: 'in the second' },
  ];
  const chain = chainOf({ ...remembered('suppress'), ...{ formerly } });
  for (const { sequence, hash } of formerly) {
    await owner.ask('UPDATE ledger_place SET sequence = $1, hash = $2', [sequence, hash]);
    const read = (after?: LedgerPlace) =>
      Promise.resolve(after?.sequence ? { ...chain, entries: [] } : chain);
    expect(await reconcile(chain.head, { read, comparison })).toMatchObject({ fault: null });
  }
});

test('a restored lift does not end the suppression of a later request that is complete', async () => {
  await request('suppress');
  await carryOut(erasures);
  await comparison.apply([remembered('lift')], APPLY);
  await carryOut(erasures);
  expect(await isSuppressed()).toBe(true);
});

test('a restored lift does not make a suppression last that a later lift has ended', async () => {
  for (const mode of ['suppress', 'lift'] as const) await request(mode);
  await carryOut(erasures);
  await request('erase');
  await comparison.apply([remembered('lift')], APPLY);
  await carryOut(erasures);
  expect(await isSuppressed()).toBe(false);
});

test('while installations are searched, others may request erasures, and a lift keeps what comes after', async () => {
  const blocker = new pg.Client({ connectionString: database.url });
  await blocker.connect();
  await blocker.query('BEGIN; LOCK TABLE installation_life');
  const erasure = remembered('erase_and_suppress');
  const applying = comparison.apply([erasure], APPLY);
  try {
    await expect
      .poll(() => owner.ask("SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation'"))
      .not.toEqual([]);
    await request('lift');
  } finally {
    await blocker.end();
  }
  await applying;
  const [target] = await owner.ask(
    'SELECT received_until FROM erasure_target WHERE erasure_id = $1',
    [erasure.erasureId],
  );
  expect(target).toEqual({ received_until: new Date(LONG_AGO) });
}, 40_000);

test('an installation whose suppression is being lifted is not erased again', async () => {
  const { erasure } = await request('erase_and_suppress');
  await request('lift');
  await carryOut(erasures);
  await owner.ask(
    "INSERT INTO installation (installation_id, product, first_seen_at, last_seen_at) VALUES ($1, 'dcos', now(), now())",
    [installationId],
  );
  const known = { ...remembered('erase_and_suppress', erasure.id), requestedAt: LONG_AGO };
  const thorough = { isThorough: true, isDryRun: false };
  expect(await comparison.apply([known], thorough)).toMatchObject({ reappeared: 0 });
});

test('verify reports an entry of an unknown key, and repairs and accepts nothing', async () => {
  const { url, queuePrefix } = sharedRedis();
  const list = new LedgerList(connectTo(url, `${queuePrefix}:${randomUUID()}`));
  const newKey = () => generateKeyPairSync('ed25519').privateKey;
  const copies = { list, file: null, clock: Date };
  const { place: _, ...record } = remembered('suppress');
  await new ErasureLedger({ ...copies, key: newKey() }).append([record]);
  const lines = await list.read();
  const options = { comparison, isDryRun: false, acceptsLoss: true };
  const fault = { reason: 'unknown_key', sequence: 1 };
  expect(await verifyLedger({ ...copies, ...options, key: newKey() })).toMatchObject({
    ...{ isDamaged: true, fault, copies: [{ copy: 'redis', entries: 0, fault }] },
  });
  expect(await list.read()).toEqual(lines);
  expect(await comparison.place()).toMatchObject({ sequence: 0 });
});
