import type pg from 'pg';
import { FIRST_SUMMED_DAY, refreshDaySum, sumsOf } from './day-sums.js';
import type { DaySum } from './day-sum.js';
import { refreshLives, type Life } from './lives.js';
import { locked, yielding } from './lock.js';
import type { RefreshOptions } from './refresh-options.js';

/** A table of a day's sums that takes longer is summed up product by product, each for no longer than this. */
const LIMIT_MS = 60_000;
const PRODUCT_LIMIT_MS = 15 * 60_000;
/** How often lives or a product's sums are tried that an erasure interrupts. */
const ATTEMPTS = 5;

export interface StaleOptions extends RefreshOptions {
  /** When to stop, on the clock of performance.now(); what is left is left to the next refresh. */
  until?: number | undefined;
}

type Outcome = 'done' | 'stopped' | 'failed';

/** Sums up again what no longer is the sum of its installations' days. */
export async function refreshStale(
  client: pg.ClientBase,
  options: StaleOptions = {},
): Promise<Outcome> {
  const lives = await refreshStaleLives(client, options);
  if (lives !== 'done') return lives;
  await client.query(`DELETE FROM rollup_stale WHERE part > 0 AND day < ${FIRST_SUMMED_DAY}`);
  const { rows: stale } = await client.query<{ day: string; part: number; revision: number }>(
    'SELECT day::text, part, revision FROM rollup_stale WHERE part > 0 ORDER BY day DESC, part',
  );
  let outcome: Outcome = 'done';
  for (const [index, note] of stale.entries()) {
    if (isOver(options)) return 'stopped';
    if (!(await refreshPart(client, note, options))) outcome = 'failed';
    options.onProgress?.({ step: 'sums', done: index + 1, of: stale.length });
  }
  return isOver(options) ? 'stopped' : outcome;
}

async function refreshStaleLives(client: pg.ClientBase, options: StaleOptions): Promise<Outcome> {
  let after: Life | null = null;
  for (let attempts = 0; attempts < ATTEMPTS;) {
    if (isOver(options)) return 'stopped';
    const done: { result: Life | null } | null = await refreshSomeLives(client, after, options);
    if (done?.result === null) return 'done';
    attempts = done ? 0 : attempts + 1;
    after = done?.result ?? after;
  }
  return 'failed';
}

async function refreshSomeLives(client: pg.ClientBase, after: Life | null, options: StaleOptions) {
  return yielding(client, limitsOf(options), () => refreshLives(client, after));
}

/** @returns whether none of its tables took too long */
async function refreshPart(
  client: pg.ClientBase,
  { day, part, revision }: { day: string; part: number; revision: number },
  options: StaleOptions,
): Promise<boolean> {
  let isDone = true;
  for (const sum of sumsOf(part)) {
    if (!(await refreshTable(client, sum, day, options))) isDone = false;
  }
  // What was marked again meanwhile, as by an erasure, is summed up again. A mark of its own is left alone.
  if (isDone) {
    await locked(client, () =>
      client.query('DELETE FROM rollup_stale WHERE day = $1 AND part = $2 AND revision = $3', [
        ...[day, part, revision],
      ]),
    );
  }
  return isDone;
}

async function refreshTable(
  client: pg.ClientBase,
  sum: DaySum,
  day: string,
  options: StaleOptions,
): Promise<boolean> {
  const limits = limitsOf(options);
  if (await yielding(client, limits, () => refreshDaySum(client, sum, { day }))) return true;
  const { rows } = await client.query<{ product: string }>('SELECT DISTINCT product FROM origin');
  let isDone = true;
  for (const { product } of rows) {
    if (!(await refreshProduct(client, sum, { day, product }, options))) isDone = false;
  }
  return isDone;
}

async function refreshProduct(
  client: pg.ClientBase,
  sum: DaySum,
  of: { day: string; product: string },
  options: StaleOptions,
): Promise<boolean> {
  for (let attempt = 1; attempt <= ATTEMPTS && !isOver(options); attempt += 1) {
    const limits = limitsOf(options, PRODUCT_LIMIT_MS);
    if (await yielding(client, limits, () => refreshDaySum(client, sum, of))) return true;
  }
  return false;
}

function isOver({ signal, until = Infinity }: StaleOptions): boolean {
  return signal?.aborted === true || performance.now() >= until;
}

function limitsOf({ ask, until = Infinity }: StaleOptions, limitMs = LIMIT_MS) {
  const left = Math.max(1, Math.ceil(until - performance.now()));
  return { ask, limitMs: Math.min(limitMs, left), ...(until < Infinity && { waitMs: left }) };
}
