import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Queryable } from './queryable.js';

/** Work for workers, and changes of the policy. */
const channels = ['work', 'policy'] as const;
export type Channel = (typeof channels)[number];

const nameOf = (channel: Channel) => `muster_${channel}`;
const LISTEN = channels.map((channel) => `LISTEN ${nameOf(channel)};`).join(' ');

/** Notifies other processes when the transaction commits. */
export async function announce(tx: Queryable, channel: Channel): Promise<void> {
  await tx.query(`SELECT pg_notify($1, '')`, [nameOf(channel)]);
}

/** While notices arrive. LISTEN is repeated as often: it changes nothing, and shows that the connection still works. */
const SLOW_POLL_MS = 30_000;
/** While none can arrive: the connection is being made, or a pooler is in between. */
const FAST_POLL_MS = 500;
const CHECK_LIMIT_MS = 5000;
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 8000;

export interface ListenerOptions {
  /** Makes a connection that is for the listener alone; null where a pooler would lose its notices. */
  connect: () => Promise<pg.Client | null>;
  /** Runs a statement that must be answered in time; otherwise it closes the connection. */
  ask: (client: pg.Client, statement: string, limitMs: number) => Promise<unknown>;
  /** How often the handlers are called while notices arrive. Default 30 seconds. */
  slowPollMs?: number;
}

/**
 * Calls handlers when something was announced on their channel, and in case a notice was missed: every 30 seconds, and
 * as soon as the connection is made again. Without a connection it calls them twice a second.
 */
export class Listener {
  readonly #handlers = new Map<Channel, (() => void)[]>(channels.map((it) => [it, []]));
  readonly #closing = new AbortController();
  #isListening = false;
  #poll: NodeJS.Timeout | undefined;

  constructor(private readonly options: ListenerOptions) {}

  add(channel: Channel, handler: () => void): void {
    this.#handlers.get(channel)?.push(handler);
    if (this.#poll) return;
    this.#poll = setInterval(() => {
      if (!this.#isListening) this.#callAll();
    }, FAST_POLL_MS);
    void this.#keepListening();
  }

  close(): void {
    clearInterval(this.#poll);
    this.#closing.abort();
  }

  /** Ends when it is closed, or where no notice can arrive. */
  async #keepListening(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    while (!this.#closing.signal.aborted) {
      const client = await this.options.connect().catch(() => undefined);
      if (client === null) return;
      if (client && (await this.#listen(client))) pauseMs = FIRST_PAUSE_MS;
      await pause(pauseMs, this.#closing.signal);
      pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS);
    }
  }

  /** Ends when the connection is lost, or this is closed. @returns whether it has listened */
  async #listen(client: pg.Client): Promise<boolean> {
    const { ask, slowPollMs = SLOW_POLL_MS } = this.options;
    const lost = new AbortController();
    client.on('end', () => lost.abort());
    client.on('notification', ({ channel }) => {
      for (const it of channels) if (nameOf(it) === channel) this.#call(it);
    });
    const ended = AbortSignal.any([lost.signal, this.#closing.signal]);
    let hasListened = false;
    try {
      while (!ended.aborted) {
        await ask(client, LISTEN, CHECK_LIMIT_MS);
        hasListened = this.#isListening = true;
        this.#callAll(); // for what was committed before
        await pause(slowPollMs, ended);
      }
    } catch {
      // The database logs the outage.
    }
    this.#isListening = false;
    void client.end().catch(() => undefined);
    return hasListened;
  }

  #callAll(): void {
    for (const channel of channels) this.#call(channel);
  }

  #call(channel: Channel): void {
    for (const handler of this.#handlers.get(channel) ?? []) handler();
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
