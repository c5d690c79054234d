import pg from 'pg';
import { countRows, tablesOfInstallations } from './tables.js';

const ROWS_AT_ONCE = 1000;

/** All that is held about one installation, for whoever may know it. */
export class Holdings {
  readonly #pool: pg.Pool;

  constructor(databaseUrl: string, connections: number) {
    this.#pool = new pg.Pool({
      connectionString: databaseUrl,
      max: connections,
      application_name: 'muster-holdings',
      connectionTimeoutMillis: 5000,
      options: '-c default_transaction_read_only=on',
    });
    this.#pool.on('error', () => undefined);
  }

  /** What the installation is, product by product, and how many rows there are by table. */
  async summary(installationId: string): Promise<{ products: object[]; rows: object }> {
    const client = await this.#pool.connect();
    try {
      const { rows: products } = await client.query<object>(
        'SELECT * FROM fleet.installations WHERE installation_id = $1',
        [installationId],
      );
      const tables = await tablesOfInstallations(client);
      return { products, rows: await countRows(client, tables, [installationId]) };
    } finally {
      client.release();
    }
  }

  /** Every row of every view that is about the installation, one at a time, with constant memory. */
  async *rows(installationId: string): AsyncGenerator<{ view: string; row: object }> {
    const client = await this.#pool.connect();
    let isOver = false;
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      for (const view of await viewsOfInstallations(client)) {
        const id = pg.escapeLiteral(installationId);
        await client.query(
          `DECLARE held NO SCROLL CURSOR FOR SELECT * FROM fleet.${view} WHERE installation_id = ${id}`,
        );
        for (;;) {
          const { rows } = await client.query<object>(`FETCH ${ROWS_AT_ONCE} FROM held`);
          for (const row of rows) yield { view, row };
          if (rows.length < ROWS_AT_ONCE) break;
        }
        await client.query('CLOSE held');
      }
      await client.query('COMMIT');
      isOver = true;
    } finally {
      // A reader that went away leaves a cursor open: its connection is not used again.
      client.release(!isOver);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
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
