import pg from 'pg';
import type { Database } from '../database/database.js';
import { countRows, tablesOfInstallations } from '../database/installation-tables.js';

const ROWS_AT_ONCE = 1000;
/** A reader may take so long over some rows. */
const SLOW_READER_MS = 5 * 60_000;

/** All that is held about one installation, under the id that it has and those that it had. */
export class Holdings {
  constructor(private readonly database: Database) {}

  /** What the installation is, product by product, and how many rows there are by table. */
  async summary(installationIds: readonly string[]): Promise<{ products: object[]; rows: object }> {
    return this.database.transaction(
      async (tx) => {
        const { rows: products } = await tx.query<object>(
          'SELECT * FROM fleet.installations WHERE installation_id = ANY ($1::uuid[])',
          [installationIds],
        );
        const tables = await tablesOfInstallations(tx);
        return { products, rows: await countRows(tx, tables, installationIds) };
      },
      { isReadOnly: true },
    );
  }

  /** Every row of every view that is about the installation, one at a time, with constant memory. */
  rows(installationIds: readonly string[]): AsyncGenerator<{ view: string; row: object }> {
    return this.database.read((tx) => readHoldings(tx, installationIds), {
      isolation: 'REPEATABLE READ',
      isReadOnly: true,
      settings: { idle_in_transaction_session_timeout: SLOW_READER_MS },
    });
  }
}

async function* readHoldings(
  tx: pg.ClientBase,
  installationIds: readonly string[],
): AsyncGenerator<{ view: string; row: object }> {
  const ids = pg.escapeLiteral(`{${installationIds.join(',')}}`);
  for (const view of await viewsOfInstallations(tx)) {
    await tx.query(
      `DECLARE held NO SCROLL CURSOR FOR SELECT * FROM fleet.${view} WHERE installation_id = ANY (${ids}::uuid[])`,
    );
    for (;;) {
      const { rows } = await tx.query<object>(`FETCH ${ROWS_AT_ONCE} FROM held`);
      for (const row of rows) yield { view, row };
      if (rows.length < ROWS_AT_ONCE) break;
    }
    await tx.query('CLOSE held');
  }
}

/** The views that show every row once: those of the latest ones show no other. */
async function viewsOfInstallations(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.columns
      WHERE table_schema = 'fleet' AND column_name = 'installation_id'
        AND table_name NOT LIKE 'current\\_%' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}
