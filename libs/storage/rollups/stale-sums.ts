import type pg from 'pg';
import { FIRST_SUMMED_DAY, refreshDaySum, sumsOf } from './day-sums.js';
import type { DaySum } from './day-sum.js';
import { refreshLives, type Life } from './lives.js';
import { withRollupLock, withYieldingLock } from './lock.js';
import type { RefreshOptions } from './refresh-options.js';

/** A day's sums that take longer are recomputed product by product. */
const LIMIT_MS = 60_000;
const PRODUCT_LIMIT_MS = 15 * 60_000;
/** Attempts for lives or a product's sums, which erasures may interrupt. */
const ATTEMPTS = 5;

export interface StaleOptions extends RefreshOptions {
  /** Deadline on the clock of performance.now(). The next refresh continues. */
  deadline?: number | undefined;
}

type Outcome = 'done' | 'stopped' | 'failed';

/** Recomputes stale lives and daily sums. */
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
  for (const [index, mark] of stale.entries()) {
    if (isStopped(options)) return 'stopped';
    if (!(await refreshPart(client, mark, options))) outcome = 'failed';
    options.onProgress?.({ step: 'sums', done: index + 1, of: stale.length });
  }
  return isStopped(options) ? 'stopped' : outcome;
}

async function refreshStaleLives(client: pg.ClientBase, options: StaleOptions): Promise<Outcome> {
  let after: Life | null = null;
  for (let attempts = 0; attempts < ATTEMPTS;) {
    if (isStopped(options)) return 'stopped';
    const done: { result: Life | null } | null = await refreshSomeLives(client, after, options);
    if (done?.result === null) return 'done';
    attempts = done ? 0 : attempts + 1;
    after = done?.result ?? after;
  }
  return 'failed';
}

async function refreshSomeLives(client: pg.ClientBase, after: Life | null, options: StaleOptions) {
  return withYieldingLock(client, limitsOf(options), () => refreshLives(client, after));
}

/** @returns false if one of the tables took too long */
async function refreshPart(
  client: pg.ClientBase,
  { day, part, revision }: { day: string; part: number; revision: number },
  options: StaleOptions,
): Promise<boolean> {
  let isDone = true;
  for (const sum of sumsOf(part)) {
    if (!(await refreshTable(client, sum, day, options))) isDone = false;
  }
  // A day that was marked again in the meantime, for example by an erasure, has a new revision and stays marked.
  if (isDone) {
    await withRollupLock(client, () =>
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
  if (await withYieldingLock(client, limits, () => refreshDaySum(client, sum, { day })))
    return true;
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
  for (let attempt = 1; attempt <= ATTEMPTS && !isStopped(options); attempt += 1) {
    const limits = limitsOf(options, PRODUCT_LIMIT_MS);
    if (await withYieldingLock(client, limits, () => refreshDaySum(client, sum, of))) return true;
  }
  return false;
}

function isStopped({ signal, deadline = Infinity }: StaleOptions): boolean {
  return signal?.aborted === true || performance.now() >= deadline;
}

function limitsOf({ sideQuery, deadline = Infinity }: StaleOptions, limitMs = LIMIT_MS) {
  const left = Math.max(1, Math.ceil(deadline - performance.now()));
  return {
    sideQuery,
    limitMs: Math.min(limitMs, left),
    ...(deadline < Infinity && { waitMs: left }),
  };
}
