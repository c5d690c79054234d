import { randomUUID } from 'node:crypto';
import { Rollups, TelemetryStore } from '#storage';
import { compileProducts, normalise, type EventEnvelope } from '#telemetry';
import { Asker, createDatabase, type TestDatabase, connectionsOf } from './database.js';
import { emptyTables } from './tables.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const TODAY = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const OPTIONS = { products: compileProducts(), retentionMs: 400 * DAY_MS };
export const suppressionKey = 'only-for-tests';

const health = { 'health-unit-a-total': 3, 'health-unit-a-unhealthy': 1 };

export interface Sent {
  id?: string;
  product?: string;
  event?: string;
  version?: string;
  receivedAt?: number;
  properties?: object;
}

/** An event of an installation, `ago` days before today, at an hour. */
export function event(
  installationId: string,
  daysAgo: number,
  hour = 12,
  sent: Sent = {},
): EventEnvelope {
  const occurredAt = TODAY - daysAgo * DAY_MS + hour * HOUR_MS;
  const {
    product = 'dcos',
    event = 'health',
    version = '2.1',
    properties = health,
    ...rest
  } = sent;
  return {
    ...{ receivedAt: TODAY, product, event, installationId, id: randomUUID() },
    occurredAt: new Date(occurredAt).toISOString(),
    properties: { ...properties, environmentVersion: version, version },
    ...rest,
  };
}

/** A private database whose rollups are refreshed on request. */
export class RolledUp {
  readonly ask: Asker['ask'];
  readonly rollups: Rollups;
  readonly #owner: Asker;
  readonly #store: TelemetryStore;

  private constructor(readonly database: TestDatabase) {
    this.#owner = new Asker(database.url);
    this.ask = this.#owner.ask;
    this.#store = new TelemetryStore({ database: connectionsOf(database.url), suppressionKey });
    this.rollups = new Rollups(connectionsOf(database.url));
  }

  static async create(): Promise<RolledUp> {
    return new RolledUp(await createDatabase());
  }

  empty = () => emptyTables(this.ask);

  save = async (...envelopes: EventEnvelope[]): Promise<void> => {
    await this.#store.save({
      ...{ batchId: randomUUID(), gatheredAt: TODAY },
      accepted: envelopes.map(({ product, receivedAt: hour }) => ({ product, hour, count: 1 })),
      events: envelopes.map((envelope) => normalise(envelope, OPTIONS)),
    });
  };

  /** Rows of a view, with days as numbers of days before today. */
  shown = (view: string, columns: string, order = columns) =>
    this.ask(
      `SELECT '${new Date(TODAY).toISOString()}'::date - day AS ago, ${columns} FROM fleet.${view} ORDER BY day, ${order}`,
    );

  async drop(): Promise<void> {
    await this.#owner.end();
    await this.database.drop();
  }
}
