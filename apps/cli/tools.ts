import type { Writable } from 'node:stream';
import type { Environment } from '#platform';
import type { AdminApi } from './admin-api.js';
import type { Printer } from './print.js';

/** Where a command line runs. */
export interface Terminal {
  out: Writable;
  err: Writable;
  /** Default: the environment of this process. */
  env?: Environment;
}

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

/** Dependencies of a command that does without the admin API. */
export interface DatabaseTools extends Pick<Tools, 'out' | 'say'> {
  /** Default: the environment of this process. */
  env: Environment | undefined;
  /** @throws Failure if no database is configured */
  findDatabase: () => Promise<string>;
}

export type WithDatabase = <A extends unknown[]>(
  work: (tools: DatabaseTools, ...args: A) => Promise<void>,
) => (...args: A) => Promise<void>;
