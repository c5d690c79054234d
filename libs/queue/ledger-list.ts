import { createHash, randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { RedisConnections } from './connection.js';
import { withTimeout } from './with-timeout.js';

const TIMEOUT_MS = 5000;
/** Lines that are read at once: usually some 50 KB. */
const PAGE = 100;
/** The most lines that are written at once, and as many characters unless a single line has more. */
const WRITTEN_LINES = 1000;
const WRITTEN_CHARACTERS = 1_000_000;
/** A list that was replaced is kept for 90 days. */
const REPLACED_SECONDS = 90 * 86_400;

/** Two processes that append at once: the later one learns that the list has grown. ARGV: length, SHA-1 of the last line. */
const IS_UNCHANGED = `
  local length = redis.call('LLEN', KEYS[1])
  if length ~= tonumber(ARGV[1]) then return 0 end
  if length > 0 and redis.sha1hex(redis.call('LINDEX', KEYS[1], -1)) ~= ARGV[2] then return 0 end`;
const APPEND = `${IS_UNCHANGED}
  for at = 3, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[at]) end
  return 1`;
const REPLACE = `${IS_UNCHANGED}
  if length > 0 then
    redis.call('RENAME', KEYS[1], KEYS[3])
    redis.call('EXPIRE', KEYS[3], ARGV[3])
  end
  if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[1]) end
  return 1`;

/** How a list ends. */
export interface ListEnd {
  length: number;
  /** Empty for an empty list. */
  lastLine: string;
}

/** The copy of the erasure ledger in Redis: a list with one line per entry. It serialises all appends. */
export class LedgerList {
  readonly #redis: Redis;
  readonly #key: string;

  constructor(redis: RedisConnections) {
    this.#redis = redis.failFast;
    this.#key = `${redis.prefix}:erasure-ledger`;
  }

  async end(): Promise<ListEnd> {
    await this.#connected();
    const transaction = this.#redis.multi().llen(this.#key).lindex(this.#key, -1).exec();
    const [length, last] = (await withTimeout(transaction, TIMEOUT_MS)) ?? [];
    if (length?.[0] || last?.[0])
      throw length?.[0] ?? last?.[0] ?? new Error('Redis returned no result.');
    return { length: Number(length?.[1] ?? 0), lastLine: (last?.[1] ?? '') as string };
  }

  /** The lines from an index, which starts at 0. */
  async read(from = 0): Promise<string[]> {
    await this.#connected();
    const lines: string[] = [];
    for (;;) {
      const start = from + lines.length;
      const reading = this.#redis.lrange(this.#key, start, start + PAGE - 1);
      const page = await withTimeout(reading, TIMEOUT_MS);
      lines.push(...page);
      if (page.length < PAGE) return lines;
    }
  }

  /**
   * Appends lines if the list still has this end. Very many are appended in pages: each leaves a valid chain.
   * @returns whether all were appended
   */
  async append(end: ListEnd, lines: readonly string[]): Promise<boolean> {
    await this.#connected();
    let { length, lastLine } = end;
    for (const page of pagesOf(lines)) {
      const appending = this.#redis.eval(APPEND, 1, this.#key, length, sha1(lastLine), ...page);
      if ((await withTimeout(appending, TIMEOUT_MS)) !== 1) return false;
      length += page.length;
      lastLine = page.at(-1) ?? lastLine;
    }
    return true;
  }

  /** Replaces the lines if the list still has this end. The old list is kept for a while. */
  async replace({ length, lastLine }: ListEnd, lines: readonly string[]): Promise<boolean> {
    await this.#connected();
    const draft = `${this.#key}:new:${randomUUID()}`;
    for (const page of pagesOf(lines)) {
      await withTimeout(this.#redis.rpush(draft, ...page), TIMEOUT_MS);
    }
    const replaced = `${this.#key}:replaced:${new Date().toISOString()}`;
    const keys = [this.#key, draft, replaced];
    const replacing = this.#redis.eval(
      REPLACE,
      ...[keys.length, ...keys],
      ...[length, sha1(lastLine), REPLACED_SECONDS],
    );
    const isDone = (await withTimeout(replacing, TIMEOUT_MS)) === 1;
    if (!isDone) await this.#redis.del(draft);
    return isDone;
  }

  async #connected(): Promise<void> {
    if (this.#redis.status === 'ready') return;
    const ready = new Promise<void>((resolve) => this.#redis.once('ready', resolve));
    await withTimeout(ready, TIMEOUT_MS);
  }
}

function* pagesOf(lines: readonly string[]): Generator<string[]> {
  let page: string[] = [];
  let characters = 0;
  for (const line of lines) {
    const isFull = page.length === WRITTEN_LINES || characters + line.length > WRITTEN_CHARACTERS;
    if (isFull && page.length > 0) {
      yield page;
      [page, characters] = [[], 0];
    }
    page.push(line);
    characters += line.length;
  }
  if (page.length > 0) yield page;
}

const sha1 = (text: string) => createHash('sha1').update(text).digest('hex');
