import pg from 'pg';
import type { Database } from '../database/database.js';
import { countRows, tablesOfInstallations } from '../database/installation-tables.js';

const ROWS_AT_ONCE = 1000;
/** Longest pause of a reader between two fetches. */
const SLOW_READER_MS = 5 * 60_000;

/** Reads everything stored about one installation, under its current and its former ids. */
export class InstallationData {
  constructor(private readonly database: Database) {}

  /** The installation by product, and its number of rows by table. */
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

  /** Every row about the installation, of every view, one at a time. Memory is constant. */
  rows(installationIds: readonly string[]): AsyncGenerator<{ view: string; row: object }> {
    return this.database.read((tx) => readRows(tx, installationIds), {
      isolation: 'REPEATABLE READ',
      isReadOnly: true,
      settings: { idle_in_transaction_session_timeout: SLOW_READER_MS },
    });
  }
}

async function* readRows(
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

/** The views with an installation id, except `current_*`, whose rows the other views contain as well. */
async function viewsOfInstallations(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.columns
      WHERE table_schema = 'fleet' AND column_name = 'installation_id'
        AND table_name NOT LIKE 'current\\_%' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}
