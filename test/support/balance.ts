import { fates, type Fate } from '#telemetry';

type Ask = (text: string, values?: unknown[]) => Promise<Record<string, unknown>[]>;

export type Balance = Record<Fate | 'accepted', number>;

/** A product's accepted events and their fates over all hours. @throws if their sums differ */
export async function balanceOf(ask: Ask, product = 'dcos'): Promise<Balance> {
  const sum = (column: string) => `coalesce(sum(${column}), 0)::int AS ${column}`;
  const columns = ['accepted', ...fates];
  const [row] = await ask(
    `SELECT ${[...columns, 'unaccounted'].map(sum).join(', ')}
       FROM fleet.ingest_balance WHERE product = $1`,
    [product],
  );
  const { unaccounted, ...balance } = row!;
  if (unaccounted !== 0) throw new Error(`${String(unaccounted)} events have no fate`);
  return balance as unknown as Balance;
}
