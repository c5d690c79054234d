import type pg from 'pg';
import { isConnectionLoss } from './postgres-errors.js';
import type { Route, SessionSettings } from './session-settings.js';

/** A statement is given up on this side so much later than on the server. */
const GRACE_MS = 10_000;

type Send = (query: string | pg.QueryConfig, values?: unknown[]) => Promise<pg.QueryResult>;

const sessions = new WeakMap<pg.ClientBase, Session>();

/** What is known of a connection; undefined for one that no `Database` has made. */
export function sessionOf(client: pg.ClientBase): Session | undefined {
  return sessions.get(client);
}

export interface SessionOptions {
  /** By which the server's list of activities knows it behind a pooler. */
  name: string;
  settings: SessionSettings;
  onLoss: (error: Error) => void;
}

/** A connection of a `Database`: how it reaches the server, and what it waits for. */
export class Session {
  readonly name: string;
  settings: SessionSettings;
  /** Null until the connection is prepared. */
  route: Route | null = null;
  /** How long an answer is awaited, in milliseconds. */
  limitMs: number;
  /** Since when an answer has been awaited; null while none is. */
  busySince: number | null = null;
  /** When the server last answered. */
  answeredAt = performance.now();
  /** Whether it must not be used again. */
  isBroken = false;
  /** Called after each statement while the connection is held. */
  onStatement: (() => void) | undefined;
  readonly #client: pg.Client;
  readonly #onLoss: (error: Error) => void;
  #pending = 0;

  constructor(client: pg.Client, { name, settings, onLoss }: SessionOptions) {
    this.name = name;
    this.settings = settings;
    this.limitMs = limitOf(settings) ?? Infinity;
    this.#client = client;
    this.#onLoss = onLoss;
    sessions.set(client, this);
    // Without a listener, the end of a connection in use would end the process.
    client.on('error', (error) => this.#lose(error));
    this.#followStatements();
  }

  get isPooled(): boolean {
    return this.route?.isPooled === true;
  }

  /** Whether the server should have given up the statement under way. */
  isOverdue(now: number): boolean {
    return this.busySince !== null && now > this.busySince + this.limitMs;
  }

  /** Closes the connection; the statement under way fails. */
  destroy(): void {
    this.isBroken = true;
    void this.#client.end().catch(() => undefined);
  }

  #lose(error: Error): void {
    this.isBroken = true;
    this.#onLoss(error);
  }

  #followStatements(): void {
    const send = this.#client.query.bind(this.#client) as Send;
    const query: Send = async (text, values) => {
      this.busySince ??= performance.now();
      this.#pending += 1;
      try {
        const result = await send(this.isPooled ? unnamed(text) : text, values);
        this.answeredAt = performance.now();
        return result;
      } catch (error) {
        if (error instanceof Error && isConnectionLoss(error)) this.#lose(error);
        throw error;
      } finally {
        this.#pending -= 1;
        this.busySince = this.#pending > 0 ? performance.now() : null;
        this.onStatement?.();
      }
    };
    Object.assign(this.#client, { query });
  }
}

/** How long an answer is awaited under these settings; undefined where they don't limit a statement. */
export function limitOf(settings: SessionSettings | undefined): number | undefined {
  const timeoutMs = settings?.statement_timeout;
  if (timeoutMs === undefined) return undefined;
  return Number(timeoutMs) === 0 ? Infinity : Number(timeoutMs) + GRACE_MS;
}

/** Behind a pooler, the next transaction may be on a server that has not prepared the statement. */
function unnamed(query: string | pg.QueryConfig): string | pg.QueryConfig {
  if (typeof query === 'string') return query;
  const { name, ...rest } = query;
  return name === undefined ? query : rest;
}
