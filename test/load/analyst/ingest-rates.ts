import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Recipe } from '../../support/cookbook.js';
import type { Sender } from '../sender.js';
import type { Stack } from '../stack.js';
import { quantile } from './ask.js';

/** End-to-end throughput of ingest in events per second, alone and while an analyst queries. */
export interface IngestRates {
  alone: number;
  withAnalyst: number;
  ratio: number;
}

const SEND_MS = 5000;
/** An analyst's pause between two queries. */
const THINK_MS = 2000;
const STORE_LIMIT_MS = 120_000;

/**
 * Alternately measures the throughput of ingest and worker alone and while an analyst runs one
 * query after another.
 */
export async function measureWithAnalyst(
  stack: Stack,
  analystUrl: string,
  recipes: readonly Recipe[],
  { sender, rounds, stopping }: { sender: Sender; rounds: number; stopping: AbortSignal },
): Promise<IngestRates> {
  const database = new pg.Pool({ connectionString: stack.databaseUrl, max: 1 });
  const balance = new Balance(database, new Date());
  const alone: number[] = [];
  const busy: number[] = [];
  try {
    await measureThroughput(stack, sender, balance); // warms up
    for (let round = 0; round < rounds; round += 1) {
      stopping.throwIfAborted();
      alone.push(await measureThroughput(stack, sender, balance));
      const asking = new AbortController();
      const analyst = keepQuerying(analystUrl, recipes, asking.signal);
      busy.push(await measureThroughput(stack, sender, balance));
      asking.abort();
      await analyst;
    }
  } finally {
    await database.end();
  }
  const [median, less] = [quantile(alone, 0.5), quantile(busy, 0.5)];
  return { alone: median, withAnalyst: less, ratio: less / median };
}

/** Sends for a while and waits until everything is stored. @returns events per second */
async function measureThroughput(stack: Stack, sender: Sender, balance: Balance): Promise<number> {
  const before = await balance.settled();
  const { wholePort: port, caFile, writeKey } = stack;
  const { accepted, startedAt } = await sender.send({
    ...{ port, caFile, writeKey, connections: 64, installations: 10_000, durationMs: SEND_MS },
  });
  const giveUpAt = Date.now() + STORE_LIMIT_MS;
  while ((await balance.settled()) < before + accepted) {
    if (Date.now() > giveUpAt) throw new Error('The accepted events were not stored in time.');
    await sleep(20);
  }
  return (1000 * accepted) / (Date.now() - startedAt);
}

/** Counts events with a fate that arrived in the hour of `since` or later. */
class Balance {
  constructor(
    private readonly database: pg.Pool,
    private readonly since: Date,
  ) {}

  async settled(): Promise<number> {
    const { rows } = await this.database.query<{ settled: number }>(
      `SELECT coalesce(sum(accepted - unaccounted), 0)::float8 AS settled FROM fleet.ingest_balance
        WHERE hour >= date_trunc('hour', $1::timestamptz)`,
      [this.since],
    );
    return rows[0]?.settled ?? 0;
  }
}

async function keepQuerying(analystUrl: string, recipes: readonly Recipe[], stopping: AbortSignal) {
  const client = new pg.Client({ connectionString: analystUrl });
  await client.connect();
  try {
    for (let at = 0; !stopping.aborted; at += 1) {
      await client.query(recipes[at % recipes.length]?.sql ?? '');
      await sleep(THINK_MS, undefined, { signal: stopping }).catch(() => undefined);
    }
  } finally {
    await client.end();
  }
}
