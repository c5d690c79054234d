import type { Queryable } from '../database/queryable.js';
import type pg from 'pg';
import type { UnderstoodEvent } from '#telemetry';

const MAX_REMEMBERED = 50_000;
const COLUMNS = 'product, version, variant, provider, platform, source, key_id';
const UNNESTED =
  'unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])';

/** The number of an event's origin. */
export type OriginOf = (event: UnderstoodEvent) => number;

/** In the order of COLUMNS. */
type Origin = [
  product: string,
  version: string,
  variant: string,
  provider: string,
  platform: string,
  source: string,
  key: string,
];

/** An origin was collected after it had been learnt: the batch has to be saved again. */
export class OriginGone extends Error {
  override readonly name = 'OriginGone';
}

/**
 * The numbers of origins: what reports say of where they come from, and which write key sent them. They are given in statements of
 * their own, before a batch's transaction: so no batch waits for another's, and what is remembered was
 * committed.
 */
export class Origins {
  #known = new Map<string, number>();
  /** Those that are there, as long as nothing is collected. */
  readonly #held = new Set<number>();
  #epoch = '';

  /** Gives a number to every origin of these events, and returns them. */
  async learn(database: Queryable, events: readonly UnderstoodEvent[]): Promise<OriginOf> {
    const unknown = new Map<string, Origin>();
    const learnt = new Map<string, number>();
    for (const event of events) {
      const origin = originOf(event);
      const key = keyOf(origin);
      const id = this.#known.get(key);
      if (id === undefined) unknown.set(key, origin);
      else learnt.set(key, id);
    }
    if (unknown.size > 0) {
      if (this.#known.size > MAX_REMEMBERED) this.#known = new Map();
      for (const [key, id] of await number(database, [...unknown.values()])) {
        this.#known.set(key, id);
        learnt.set(key, id);
      }
    }
    return (event) => {
      const id = learnt.get(keyOf(originOf(event)));
      if (id === undefined)
        throw new Error('An origin was not learnt before its batch was stored.');
      return id;
    };
  }

  /**
   * Makes sure that the origins of a batch are still there, and are not collected before its transaction
   * has ended.
   * @returns those that were not known to be there
   * @throws OriginGone
   */
  async hold(tx: pg.ClientBase, epoch: string, originIds: Iterable<number>): Promise<number[]> {
    if (epoch !== this.#epoch) this.#held.clear();
    this.#epoch = epoch;
    const ids = [...new Set(originIds)].filter((id) => !this.#held.has(id));
    if (ids.length === 0) return [];
    const { rowCount } = await tx.query({
      name: 'hold-origins',
      text: `SELECT FROM origin WHERE origin_id = ANY ($1::integer[]) ORDER BY origin_id FOR KEY SHARE`,
      values: [ids],
    });
    if (rowCount === ids.length) return ids;
    this.#known = new Map();
    throw new OriginGone('An origin was collected while its batch was being stored.');
  }

  /**
   * To be called once the transaction that held them, begun in an epoch, is committed, and only for those that its
   * reports refer to: others may be collected at any time.
   */
  remember(originIds: readonly number[], epoch: string): void {
    if (epoch !== this.#epoch) return;
    for (const id of originIds) this.#held.add(id);
  }
}

async function number(
  database: Queryable,
  origins: Origin[],
): Promise<[key: string, id: number][]> {
  const inLockOrder = origins.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const columns = [0, 1, 2, 3, 4, 5, 6].map((column) =>
    inLockOrder.map((origin) => origin[column]),
  );
  await database.query(
    `INSERT INTO origin (${COLUMNS}) SELECT * FROM ${UNNESTED} ON CONFLICT DO NOTHING`,
    columns,
  );
  const { rows } = await database.query<{ origin: Origin; origin_id: number }>(
    `SELECT ARRAY[${COLUMNS}] AS origin, origin_id
       FROM origin JOIN ${UNNESTED} AS u(${COLUMNS}) USING (${COLUMNS})`,
    columns,
  );
  return rows.map(({ origin, origin_id }) => [keyOf(origin), origin_id]);
}

function originOf({ product, key = '', description }: UnderstoodEvent): Origin {
  const { version, variant, provider, platform, source } = description;
  return [product, version ?? '', variant ?? '', provider ?? '', platform ?? '', source ?? '', key];
}

/** None of the seven may hold a space: products and tokens have none. */
function keyOf(origin: Origin): string {
  return origin.join(' ');
}
