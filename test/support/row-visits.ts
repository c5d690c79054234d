import pg from 'pg';

interface PlanNode {
  'Actual Rows': number;
  'Actual Loops': number;
  Plans?: PlanNode[];
  [removed: `Rows Removed by ${string}`]: number;
}

type Connect = (this: pg.Client, ...parameters: unknown[]) => unknown;

/** The number of rows visited by the nodes of a plan, independent of time. */
function visitsOf(node: PlanNode): number {
  const removed = Object.entries(node)
    .filter(([name]) => name.startsWith('Rows Removed by '))
    .reduce((sum, [, rows]) => sum + (rows as number), 0);
  const own = (node['Actual Rows'] + removed) * node['Actual Loops'];
  return (node.Plans ?? []).reduce((sum, plan) => sum + visitsOf(plan), own);
}

/** Makes the server explain every statement in a database, and counts the rows that each visits. */
export class RowVisits {
  /** By statement. */
  readonly counts = new Map<string, number>();
  readonly #connect = Reflect.get(pg.Client.prototype, 'connect') as Connect;

  /** Applies to new connections. */
  async begin(databaseUrl: string): Promise<void> {
    const { counts } = this;
    const connect = this.#connect;
    const listening: Connect = function (this: pg.Client, ...parameters: unknown[]) {
      this.on('notice', ({ message = '' }) => {
        const [, json] = /plan:\s*(\{.*\})\s*$/s.exec(message) ?? [];
        if (json === undefined) return;
        const { 'Query Text': text, Plan: plan } = JSON.parse(json) as {
          'Query Text': string;
          Plan: PlanNode;
        };
        counts.set(text, (counts.get(text) ?? 0) + visitsOf(plan));
      });
      return connect.apply(this, parameters);
    };
    Reflect.set(pg.Client.prototype, 'connect', listening);
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    const name = pg.escapeIdentifier(new URL(databaseUrl).pathname.slice(1));
    await client.query(
      ['session_preload_libraries = auto_explain', 'auto_explain.log_min_duration = 0']
        .concat('auto_explain.log_analyze = on', 'auto_explain.log_timing = off')
        .concat('auto_explain.log_format = json', 'auto_explain.log_level = notice')
        .concat('auto_explain.log_nested_statements = on')
        .map((setting) => `ALTER DATABASE ${name} SET ${setting}`)
        .join(';'),
    );
    await client.end();
  }

  end(): void {
    Reflect.set(pg.Client.prototype, 'connect', this.#connect);
  }
}
