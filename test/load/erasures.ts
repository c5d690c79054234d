import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { ErasureStack } from './erasure-stack.js';

/** Times from request to certificate, in milliseconds. */
export type Durations = number[];

export interface Probing {
  /** Events of an installation sent after its erasure was requested. */
  sent: number;
  suppressed: number;
  stored: number;
  /**
   * Times from the response to the request until the first and the last of these events, in
   * milliseconds.
   */
  firstMs: number;
  lastMs: number;
}

const POLL_MS = 25;
const LIMIT_MS = 900_000;
const PROBES = 10;
const PROBE_MS = 50;
/** Only probes are sent for this product, so its balance shows their fates. */
const PROBED_PRODUCT = 'octopus';

/** Requests erasures as an administrator, and follows their progress. */
export class Erasures {
  readonly #stack: ErasureStack;
  readonly #stopping: AbortSignal;
  readonly #headers: { authorization: string };
  readonly probing: Probing = { sent: 0, suppressed: 0, stored: 0, firstMs: Infinity, lastMs: 0 };

  constructor(stack: ErasureStack, stopping: AbortSignal) {
    this.#stack = stack;
    this.#stopping = stopping;
    this.#headers = { authorization: `Bearer ${stack.adminToken}` };
  }

  /**
   * Erases an installation while its events keep arriving. @returns the time until its certificate
   */
  async eraseOne(installationId: string, leastReports: number): Promise<number> {
    const startedAt = Date.now();
    const id = await this.#request(installationId);
    const answeredAt = Date.now();
    const [durationMs] = await Promise.all([
      this.#untilCertified(id, startedAt, leastReports),
      this.#probe(installationId, answeredAt),
    ]);
    return durationMs;
  }

  /** Erases many installations at once. */
  async eraseAll(installationIds: readonly string[], leastReports: number): Promise<Durations> {
    const startedAt = Date.now();
    const ids: string[] = [];
    for (const installationId of installationIds) ids.push(await this.#request(installationId));
    const durations: Durations = [];
    for (const id of ids) durations.push(await this.#untilCertified(id, startedAt, leastReports));
    return durations;
  }

  /** Reads the fates of the events sent after a request from the balance. */
  async readFates(): Promise<void> {
    const client = new pg.Client({ connectionString: this.#stack.databaseUrl });
    await client.connect();
    try {
      const giveUpAt = Date.now() + 60_000;
      for (;;) {
        const { rows } = await client.query<{ suppressed: number; stored: number }>(
          `SELECT coalesce(sum(suppressed), 0)::int AS suppressed,
                  coalesce(sum(stored + quarantined + duplicate), 0)::int AS stored
             FROM fleet.ingest_balance WHERE product = $1`,
          [PROBED_PRODUCT],
        );
        Object.assign(this.probing, rows[0]);
        const { sent, suppressed, stored } = this.probing;
        if (suppressed + stored >= sent || Date.now() > giveUpAt) return;
        await sleep(POLL_MS, undefined, { signal: this.#stopping });
      }
    } finally {
      await client.end();
    }
  }

  async #request(installationId: string): Promise<string> {
    const path = `/v1/installations/${installationId}`;
    const { status, json } = await this.#stack.admin.send('DELETE', path, this.#headers);
    if (status !== 202) throw new Error(`An erasure request got status ${status}.`);
    return json.erasure.id as string;
  }

  async #untilCertified(id: string, startedAt: number, leastReports: number): Promise<number> {
    const path = `/v1/erasures/${id}/certificate`;
    while (Date.now() < startedAt + LIMIT_MS) {
      this.#stopping.throwIfAborted();
      const { status, json } = await this.#stack.admin.get(path, { headers: this.#headers });
      if (status === 200) {
        const { completedAt, removed } = json.statement as {
          completedAt: string;
          removed: { report: number };
        };
        if (removed.report < leastReports) {
          throw new Error(`Only ${removed.report} reports were removed.`);
        }
        return Date.parse(completedAt) - startedAt;
      }
      await sleep(POLL_MS);
    }
    throw new Error('An erasure was not completed in time.');
  }

  /** Sends events of an installation alternately through both ingest processes. */
  async #probe(installationId: string, answeredAt: number): Promise<void> {
    for (let index = 0; index < PROBES; index += 1) {
      for (const ingest of this.#stack.ingests) {
        const sentMs = Date.now() - answeredAt;
        const { status } = await ingest.post(
          '/v1/events',
          {
            id: randomUUID(),
            installationId,
            product: PROBED_PRODUCT,
            event: 'probe',
            properties: {},
          },
          { headers: { authorization: `Bearer ${this.#stack.writeKeys[PROBED_PRODUCT]}` } },
        );
        if (status !== 202) continue;
        this.probing.sent += 1;
        this.probing.firstMs = Math.min(this.probing.firstMs, sentMs);
        this.probing.lastMs = Math.max(this.probing.lastMs, sentMs);
      }
      await sleep(PROBE_MS, undefined, { signal: this.#stopping });
    }
  }
}
