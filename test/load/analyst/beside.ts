import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Recipe } from '../../support/cookbook.js';
import type { Sender } from '../sender.js';
import type { Stack } from '../stack.js';
import { quantile } from './ask.js';

/** What ingest takes to the end of the way, in events a second, and what is left of it beside analysts. */
export interface Beside {
  alone: number;
  besideAnalysts: number;
  ratio: number;
}

const SEND_MS = 5000;
/** Somebody who reads an answer asks the next question so much later. */
const THINK_MS = 2000;
const STORE_LIMIT_MS = 120_000;

/** Measures by turns how much ingest and worker carry, alone and while an analyst asks one query after the other. */
export async function measureBeside(
  stack: Stack,
  analystUrl: string,
  recipes: readonly Recipe[],
  { sender, rounds, stopping }: { sender: Sender; rounds: number; stopping: AbortSignal },
): Promise<Beside> {
  const database = new pg.Pool({ connectionString: stack.databaseUrl, max: 1 });
  const books = new Books(database, new Date());
  const alone: number[] = [];
  const beside: number[] = [];
  try {
    await carry(stack, sender, books); // warms up
    for (let round = 0; round < rounds; round += 1) {
      stopping.throwIfAborted();
      alone.push(await carry(stack, sender, books));
      const asking = new AbortController();
      const analyst = askOn(analystUrl, recipes, asking.signal);
      beside.push(await carry(stack, sender, books));
      asking.abort();
      await analyst;
    }
  } finally {
    await database.end();
  }
  const [median, less] = [quantile(alone, 0.5), quantile(beside, 0.5)];
  return { alone: median, besideAnalysts: less, ratio: less / median };
}

/** Sends for a while and waits until all of it is stored. @returns events a second */
async function carry(stack: Stack, sender: Sender, books: Books): Promise<number> {
  const before = await books.settled();
  const { wholePort: port, caFile, writeKey } = stack;
  const { accepted, startedAt } = await sender.send({
    ...{ port, caFile, writeKey, connections: 64, installations: 10_000, durationMs: SEND_MS },
  });
  const giveUpAt = Date.now() + STORE_LIMIT_MS;
  while ((await books.settled()) < before + accepted) {
    if (Date.now() > giveUpAt) throw new Error('What was accepted is not stored in time.');
    await sleep(20);
  }
  return (1000 * accepted) / (Date.now() - startedAt);
}

/** Counts what has found its fate of the events that arrived in the hour of `since` or later. */
class Books {
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

async function askOn(analystUrl: string, recipes: readonly Recipe[], stopping: AbortSignal) {
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
