import { Redis } from 'ioredis';
import pg from 'pg';

type Ask = (text: string) => Promise<Record<string, unknown>[]>;

/** Texts by place. Each text is listed once, because a fleet repeats itself. */
export type Traces = Map<string, Set<string>>;

/**
 * All texts in a database: every column of every table and view, with names and comments, without
 * Postgres' own catalogue.
 */
export async function tracesInDatabase(ask: Ask): Promise<Traces> {
  const traces: Traces = new Map();
  const comments = await ask('SELECT description FROM pg_description');
  traces.set('comments', textsOf(comments, 'description'));
  const relations = (await ask(
    `SELECT c.oid::regclass::text AS relation, array_agg(a.attname::text) AS columns
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT c.relispartition
        AND n.nspname !~ '^(pg_|information_schema$)'
      GROUP BY 1`,
  )) as { relation: string; columns: string[] }[];
  for (const { relation, columns } of relations) {
    const list = columns.map((column) => `${pg.escapeIdentifier(column)}::text`).join();
    const rows = await ask(`SELECT ${list} FROM ${relation}`);
    for (const column of columns) traces.set(`${relation}.${column}`, textsOf(rows, column));
  }
  traces.set('names', new Set([...traces.keys()]));
  return traces;
}

function textsOf(rows: readonly Record<string, unknown>[], column: string): Set<string> {
  const values = rows.map((row) => row[column]);
  return new Set(values.filter((value) => typeof value === 'string'));
}

/** All texts in a Redis, by key. */
export async function tracesInRedis(url: string): Promise<Traces> {
  const redis = new Redis(url);
  try {
    const traces: Traces = new Map();
    for (const key of await redis.keys('*')) {
      const value = await readKey(redis, key);
      traces.set(key, new Set([key, JSON.stringify(value)]));
    }
    return traces;
  } finally {
    redis.disconnect();
  }
}

async function readKey(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key);
  switch (type) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'set':
      return redis.smembers(key);
    case 'zset':
      return redis.zrange(key, '0', '-1', 'WITHSCORES');
    case 'stream':
      return redis.xrange(key, '-', '+');
    case 'none': // gone since it was listed
      return [];
    default:
      throw new Error(`cannot read the type ${type}`);
  }
}
