import { createPublicKey, hash, randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { isGenuine, type ErasureCertificate } from '#storage';
import { startAdmin, type Admin } from './support/admin.js';
import type { SpawnedApp } from './support/app.js';
import { startSpawnedMuster, type Muster } from './support/muster.js';
import { atScale } from './support/scale.js';
import { tracesInDatabase, tracesInRedis, type Traces } from './support/traces.js';

const KEY = { headers: { authorization: 'Bearer wk_dcos' } };
const ERASED = atScale(200, 1000);
const KEPT = atScale(50, 100);

let muster: Muster<SpawnedApp>;
let admin: Admin;

beforeAll(async () => {
  muster = await startSpawnedMuster({ workers: 3 });
  admin = await startAdmin(muster);
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

function eventOf(installationId: string) {
  const event = ['health', 'mesos_track', 'unheard-of'][randomInt(3)];
  const figures = { cpu_total: randomInt(8), mem_total: -1 };
  const units = { 'health-unit-a-total': randomInt(500), 'health-unit-a-unhealthy': 0 };
  return {
    ...{ id: randomUUID(), installationId, product: 'dcos', event },
    properties: { ...figures, ...units },
  };
}

/** Posts a request, and retries while ingest refuses it. */
async function post(events: object[]): Promise<void> {
  for (;;) {
    const { status } = await muster.post('/v1/events', events, KEY);
    if (status === 202) return;
    expect(status).toBe(503);
    await sleep(100);
  }
}

const oneOf = <T>(list: readonly T[]) => list[randomInt(list.length)]!;
const inParts = <T>(list: readonly T[], size: number) =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, part) =>
    list.slice(part * size, (part + 1) * size),
  );

/** Returns those of the ids that occur anywhere. */
function found(ids: ReadonlySet<string>, traces: Traces): string[] {
  return [...traces].flatMap(([place, texts]) =>
    [...texts].flatMap((text) => {
      const uuids = text.toLowerCase().match(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g) ?? [];
      return uuids.some((uuid) => ids.has(uuid)) ? [place] : [];
    }),
  );
}

/** The content of the jobs in Redis, inflated. */
async function jobs(): Promise<Set<string>> {
  const all = await muster.queue.getJobs(['waiting', 'delayed', 'active', 'failed', 'completed']);
  return new Set(
    all.map(({ data }) =>
      inflateRawSync(Buffer.from(data.envelopes as string, 'base64')).toString(),
    ),
  );
}

async function request(ids: readonly string[]): Promise<string[]> {
  const single = ids.slice(0, ids.length / 2);
  const asked: string[] = [];
  for (const part of inParts(single, 20)) {
    const answers = await Promise.all(
      part.map((id) => admin.ask('DELETE', `/v1/installations/${id}`)),
    );
    asked.push(...answers.map(({ json }) => json.erasure.id as string));
  }
  for (const part of inParts(ids.slice(ids.length / 2), 100)) {
    const { json } = await admin.ask('POST', '/v1/erasures', { installationIds: part });
    asked.push(json.erasure.id as string);
  }
  return asked;
}

const underWay = async () => {
  const [row] = await muster.owner(
    "SELECT count(*)::int AS count FROM erasure WHERE state IN ('erasing', 'verifying')",
  );
  return row!.count as number;
};

const unfinished = async (table: 'erasure' | 'quarantine_job') => {
  const [row] = await muster.owner(
    `SELECT count(*)::int AS count FROM ${table} WHERE state <> 'complete'`,
  );
  return row!.count as number;
};

test('many concurrent erasures leave nothing behind, while events arrive, others are replayed and a worker is killed', async () => {
  const erased = Array.from({ length: ERASED }, () => randomUUID());
  const kept = Array.from({ length: KEPT }, () => randomUUID());
  const all = [...erased, ...kept];
  const sent: object[][] = [];
  for (const part of inParts(all, 100)) {
    const events = part.map(eventOf);
    sent.push(events);
    await post(events);
  }
  const isOver = new AbortController();
  const senders = [1, 2, 3].map(async () => {
    while (!isOver.signal.aborted) {
      const events = Array.from({ length: 20 }, () => eventOf(oneOf(all)));
      if (sent.length < 200) sent.push(events);
      // Some events arrive twice.
      await post(randomInt(4) === 0 ? [...events, ...oneOf(sent)] : events);
      await sleep(200); // a few hundred events per second
    }
  });

  const replaying = (async () => {
    while (!isOver.signal.aborted) {
      const { status } = await admin.ask('POST', '/v1/quarantine/replays', { filter: {} });
      expect(status).toBe(202);
      await sleep(300);
    }
  })();

  const asking = request(erased);
  await vi.waitFor(async () => expect(await underWay()).toBeGreaterThan(0), { timeout: 10_000 });
  await muster.workers[0]!.kill();
  const asked = await asking;
  expect(new Set(asked).size).toBe(ERASED / 2 + ERASED / 200);
  await vi.waitFor(async () => expect(await unfinished('erasure')).toBe(0), {
    ...{ timeout: 90_000, interval: 200 },
  });
  isOver.abort();
  await Promise.all([...senders, replaying]);
  for (const events of sent) await post(events);
  await muster.workers[0]!.start();
  // A job of the killed worker returns to the queue when its lock expires.
  await vi.waitFor(() => muster.drained(), { timeout: 60_000 });
  await vi.waitFor(async () => expect(await unfinished('quarantine_job')).toBe(0), {
    ...{ timeout: 60_000, interval: 200 },
  });
  const [replayed] = await muster.owner(
    'SELECT sum(quarantined_again)::int AS count FROM quarantine_job',
  );
  expect(replayed!.count).toBeGreaterThan(0);

  const ids = new Set(erased);
  const keptOnes = new Set(kept);
  const database = await tracesInDatabase(muster.owner);
  expect(found(ids, database)).toEqual([]);
  expect(found(keptOnes, database)).toEqual(expect.arrayContaining(['report.installation_id']));
  expect(found(ids, await tracesInRedis(muster.redisUrl))).toEqual([]);
  expect(found(ids, new Map([['jobs', await jobs()]]))).toEqual([]);
  const apps = [admin.app, muster.ingest, ...muster.workers];
  expect(found(ids, new Map([['logs', new Set(apps.map((app) => app.log))]]))).toEqual([]);
  await expectGenuine(asked, erased);
  await expectBalanced();
}, 180_000);

/**
 * Every certificate is genuine and found no remaining rows. Together they cover all installations.
 */
async function expectGenuine(asked: readonly string[], erased: readonly string[]) {
  const { text: pem } = await admin.ask('GET', '/v1/erasure-key', undefined, { authorization: '' });
  const key = createPublicKey(pem);
  const digests: string[] = [];
  for (const part of inParts(asked, 20)) {
    const answers = await Promise.all(
      part.map((id) => admin.ask('GET', `/v1/erasures/${id}/certificate`)),
    );
    for (const { json } of answers) {
      const certificate = json as ErasureCertificate;
      expect(isGenuine(certificate, key)).toBe(true);
      const { installations, verified, suppressedAt, erasedAt } = certificate.statement;
      digests.push(...installations);
      expect(Object.keys(verified!)).toEqual(expect.arrayContaining(['report', 'installation']));
      expect(Object.values(verified!).filter((count) => count !== 0)).toEqual([]);
      expect(suppressedAt! <= erasedAt!).toBe(true);
    }
  }
  expect(digests.sort()).toEqual(erased.map((id) => hash('sha256', id)).sort());
}

/** Every accepted event has a fate. What was stored is present or listed in a certificate. */
async function expectBalanced() {
  const [balance] = await muster.owner(
    `SELECT sum(unaccounted)::int AS unaccounted, sum(stored)::int AS stored,
            sum(quarantined)::int AS quarantined FROM fleet.ingest_balance`,
  );
  expect(balance!.unaccounted).toBe(0);
  const [rows] = await muster.owner(
    `SELECT (SELECT count(*) FROM report)::int + sum((removed->>'report')::int)::int AS stored,
            (SELECT count(*) FROM quarantined_event)::int + sum((removed->>'quarantined_event')::int)::int AS quarantined,
            sum((removed->>'installation')::int)::int AS installations FROM erasure`,
  );
  expect(rows).toMatchObject({ stored: balance!.stored, quarantined: balance!.quarantined });
  expect(rows!.installations).toBe(ERASED);
  const [contents] = await muster.owner(
    `SELECT (SELECT count(*) FROM report WHERE kind = 1 AND snapshot_id NOT IN
                    (SELECT snapshot_id FROM health_snapshot JOIN unit_set USING (unit_set_id)))::int AS missing,
            (SELECT count(*) FROM health_snapshot WHERE snapshot_id NOT IN
                    (SELECT snapshot_id FROM report))::int AS left_over`,
  );
  expect(contents).toEqual({ missing: 0, left_over: 0 });
}
