import pg from 'pg';
import { columnsOf, ExportRefused, type Column } from './view-columns.js';

const ROWS_AT_ONCE = 2000;

/** Selects rows. `from` and `to` compare with the view's time column, see `TIMES`. */
export interface ExportFilter {
  product?: string | undefined;
  from?: Date | undefined;
  /** Exclusive. */
  to?: Date | undefined;
}

/** Values in Postgres' text format; times are in UTC. */
export type RawRow = readonly (string | null)[];

/** Names of time columns; a view is filtered by the first one that it has. */
const TIMES = ['observed_at', 'occurred_at', 'hour', 'day', 'received_at', 'last_seen_at'];
const UNPARSED = { getTypeParser: () => (value: string) => value };

/** Reads the rows of a view of `fleet` in a transaction, in batches. */
export class ViewReader {
  private constructor(
    private readonly tx: pg.ClientBase,
    readonly columns: readonly Column[],
  ) {}

  /** @throws ExportRefused if the view does not exist or lacks a column to filter by */
  static async open(tx: pg.ClientBase, view: string, filter: ExportFilter): Promise<ViewReader> {
    const columns = await columnsOf(tx, view);
    const wanted = columns.map(expressionOf).join(', ');
    const where = conditionOf(view, columns, filter);
    await tx.query(
      `DECLARE exported NO SCROLL CURSOR FOR
       SELECT ${wanted} FROM fleet.${pg.escapeIdentifier(view)} AS v ${where}`,
    );
    return new ViewReader(tx, columns);
  }

  async *batches(): AsyncGenerator<RawRow[]> {
    for (;;) {
      const { rows } = await this.tx.query<(string | null)[]>({
        ...{ text: `FETCH ${ROWS_AT_ONCE} FROM exported`, rowMode: 'array', types: UNPARSED },
      });
      if (rows.length > 0) yield rows;
      if (rows.length < ROWS_AT_ONCE) return;
    }
  }
}

function expressionOf({ name, kind }: Column): string {
  const column = `v.${pg.escapeIdentifier(name)}`;
  return kind === 'json' ? `to_json(${column})::text` : `${column}::text`;
}

/** @throws ExportRefused */
function conditionOf(
  view: string,
  columns: readonly Column[],
  { product, from, to }: ExportFilter,
): string {
  const conditions: string[] = [];
  if (product !== undefined) {
    if (!columns.some(({ name }) => name === 'product')) {
      throw new ExportRefused(`The view ${view} has no product to choose by.`);
    }
    conditions.push(`v.product = ${pg.escapeLiteral(product)}`);
  }
  if (from !== undefined || to !== undefined) {
    const time = TIMES.find((name) => columns.some((column) => column.name === name));
    if (time === undefined) throw new ExportRefused(`The view ${view} has no time to choose by.`);
    const at = (date: Date) => `${pg.escapeLiteral(date.toISOString())}::timestamptz`;
    if (from) conditions.push(`v.${time} >= ${at(from)}`);
    if (to) conditions.push(`v.${time} < ${at(to)}`);
  }
  return conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
}
