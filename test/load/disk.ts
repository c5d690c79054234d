import { randomInt, randomUUID } from 'node:crypto';
import pg from 'pg';
import { Database, migrate, TelemetryStore } from '#storage';
import { compileProducts, normalise, type NormalisedEvent } from '#telemetry';
import { ensureDatabase } from '#devservers';
import { HealthEvents } from './health-events.js';

/** Disk space of stored reports, by table including its partitions. */
export interface DiskUse {
  reports: number;
  bytesPerReport: number;
  tables: { table: string; heapBytesPerReport: number; indexBytesPerReport: number }[];
}

type Sizes = Map<string, { heap: number; indexes: number }>;

const DATABASE = 'muster_disk';
/** Four days of hourly reports, which share the row of the installation. */
const REPORTS_PER_INSTALLATION = 100;
const BATCH_EVENTS = 256;
const WRITERS = 4;
const HOUR_MS = 3_600_000;
const OPTIONS = { products: compileProducts(), retentionMs: 400 * 24 * HOUR_MS };

/**
 * Stores hourly reports of a fleet in random order in a separate database, and measures the growth
 * of all tables and indexes. Bypasses HTTP and the queue, because they do not affect the database
 * size.
 */
export async function measureDisk(
  serverUrl: string,
  reports: number,
  stopping: AbortSignal,
): Promise<DiskUse> {
  const databaseUrl = Object.assign(new URL(serverUrl), { pathname: `/${DATABASE}` }).href;
  await ensureDatabase(serverUrl, DATABASE);
  await migrate({ databaseUrl });
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const before = await readSizes(client);
    await store(databaseUrl, reports, stopping);
    // Free space and visibility maps count toward the size.
    await client.query('VACUUM');
    return compare(before, await readSizes(client), await countReports(client, reports));
  } finally {
    await client.end();
  }
}

async function store(databaseUrl: string, reports: number, stopping: AbortSignal): Promise<void> {
  const connections = { connections: 2, writeConnections: WRITERS };
  const database = new Database({ databaseUrl, name: 'muster-bench', ...connections });
  const store = new TelemetryStore({ database, suppressionKey: 'only-for-tests' });
  const arrivals = arrivingReports(reports);
  const write = async () => {
    for (let events = take(arrivals); events.length > 0; events = take(arrivals)) {
      stopping.throwIfAborted();
      const accepted = events.map(({ product, receivedAt }) => ({
        product,
        hour: Math.floor(receivedAt / HOUR_MS) * HOUR_MS,
        count: 1,
      }));
      await store.save({ batchId: randomUUID(), gatheredAt: Date.now(), accepted, events });
    }
  };
  try {
    await Promise.all(Array.from({ length: WRITERS }, write));
  } finally {
    await database.close();
  }
}

/** The hourly reports of all installations, in random order. */
function* arrivingReports(count: number): Generator<NormalisedEvent> {
  const health = new HealthEvents(Math.ceil(count / REPORTS_PER_INSTALLATION));
  const latest = Date.now();
  for (const index of shuffledIndexes(count)) {
    const installationId = health.installations[Math.floor(index / REPORTS_PER_INSTALLATION)] ?? '';
    const hoursAgo = (index % REPORTS_PER_INSTALLATION) + Math.random();
    yield normalise(
      {
        receivedAt: Date.now(),
        product: health.product,
        id: randomUUID(),
        installationId,
        event: health.event,
        occurredAt: new Date(latest - hoursAgo * HOUR_MS).toISOString(),
        properties: health.properties(installationId),
      },
      OPTIONS,
    );
  }
}

function shuffledIndexes(count: number): Uint32Array {
  const indexes = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = randomInt(last + 1);
    [indexes[last], indexes[other]] = [indexes[other] ?? 0, indexes[last] ?? 0];
  }
  return indexes;
}

/** The next batch. (`break` in a `for` loop would end the generator.) */
function take(arrivals: Generator<NormalisedEvent>): NormalisedEvent[] {
  const events: NormalisedEvent[] = [];
  while (events.length < BATCH_EVENTS) {
    const next = arrivals.next();
    if (next.done) break;
    events.push(next.value);
  }
  return events;
}

/** Sizes in bytes of every table in public. Partitions count as part of their table. */
async function readSizes(client: pg.Client): Promise<Sizes> {
  const { rows } = await client.query<{ table: string; heap: number; indexes: number }>(`
    SELECT coalesce(pg_partition_root(oid), oid)::regclass::text AS table,
           sum(pg_table_size(oid))::float8 AS heap, sum(pg_indexes_size(oid))::float8 AS indexes
      FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
     GROUP BY 1`);
  return new Map(rows.map(({ table, ...sizes }) => [table, sizes]));
}

function compare(before: Sizes, after: Sizes, reports: number): DiskUse {
  const tables = [...after].map(([table, { heap, indexes }]) => {
    const old = before.get(table) ?? { heap: 0, indexes: 0 };
    return {
      table,
      heapBytesPerReport: (heap - old.heap) / reports,
      indexBytesPerReport: (indexes - old.indexes) / reports,
    };
  });
  const sum = (use: DiskUse['tables'][number]) => use.heapBytesPerReport + use.indexBytesPerReport;
  const grown = tables.filter((use) => sum(use) > 0).sort((a, b) => sum(b) - sum(a));
  return {
    reports,
    bytesPerReport: grown.reduce((total, use) => total + sum(use), 0),
    tables: grown,
  };
}

async function countReports(client: pg.Client, expected: number): Promise<number> {
  const { rows } = await client.query<{ reports: number }>(
    'SELECT count(*)::int AS reports FROM report',
  );
  if (rows[0]?.reports === expected) return expected;
  throw new Error(`${expected} reports were saved and ${rows[0]?.reports} are in the database.`);
}
