import type { Writable } from 'node:stream';
import type { AdminApi } from './admin-api.js';
import type { Printer } from './print.js';

/** Dependencies of every command. */
export interface Tools {
  admin: AdminApi;
  printer: Printer;
  out: Writable;
  /** Prints progress and notes to stderr. */
  say: Say;
}

export type Say = (line: string) => void;

/** Wraps a command so that it gets its tools when it runs. */
export type WithTools = <A extends unknown[]>(
  work: (tools: Tools, ...args: A) => Promise<void>,
) => (...args: A) => Promise<void>;

/** Likewise for a command that uses the database instead of the admin API. */
export type WithDatabase = <A extends unknown[]>(
  work: (say: Say, ...args: A) => Promise<void>,
) => (...args: A) => Promise<void>;
