import type { Writable } from 'node:stream';
import { Command, CommanderError } from 'commander';
import { StartupError } from '#platform';
import type { AdminApi } from './admin-api.js';
import { addAccess } from './commands/access.js';
import { addAnalyst } from './commands/analyst.js';
import { addErasures } from './commands/erasures.js';
import { addOperations } from './commands/operations.js';
import { addProducts } from './commands/products.js';
import { addPurge } from './commands/purge.js';
import { addQuarantine } from './commands/quarantine.js';
import { connectAdmin } from './connection.js';
import { BadNews, EXIT, Failure } from './outcome.js';
import { Printer } from './print.js';

/** What every command works with. */
export interface Tools {
  admin: AdminApi;
  printer: Printer;
  out: Writable;
  /** Progress and the like, for people who wait. */
  say: Say;
}

/** Tells people who wait. */
export type Say = (line: string) => void;

/** Hands a command its tools when it runs. */
export type WithTools = <A extends unknown[]>(
  work: (tools: Tools, ...args: A) => Promise<void>,
) => (...args: A) => Promise<void>;

/** The same for a command that asks the database and not the admin API. */
export type WithDatabase = <A extends unknown[]>(
  work: (say: Say, ...args: A) => Promise<void>,
) => (...args: A) => Promise<void>;

const AFTER_HELP = `
Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 done and the news is bad (an erasure or a job that
failed, books out of balance).

It speaks to the Muster that npm start runs here, or to the one that ADMIN_URL, ADMIN_TOKEN and
ADMIN_CA_FILE name. What asks the database itself (export, rollup) takes DATABASE_URL.`;

/** Runs one command line. @returns the exit code */
export async function runCommand(
  words: readonly string[],
  out: Writable,
  err: Writable,
): Promise<number> {
  const say = (line: string) => void err.write(`${line}\n`);
  const program = new Command('muster')
    .description('Administers a Muster: erasures, keys, quarantine, and how it does.')
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', AFTER_HELP)
    .showHelpAfterError('(--help says more)')
    .exitOverride()
    .configureOutput({ writeOut: (text) => out.write(text), writeErr: (text) => err.write(text) });
  const withTools: WithTools =
    (work) =>
    async (...args) => {
      const { json = false } = program.opts<{ json?: boolean }>();
      await work(
        { admin: await connectAdmin(), printer: new Printer(out, json), out, say },
        ...args,
      );
    };
  const adders = [addErasures, addAccess, addProducts, addQuarantine, addPurge, addOperations];
  for (const add of adders) add(program, withTools);
  addAnalyst(
    program,
    (work) =>
      (...args) =>
        work(say, ...args),
  );
  inheritSettings(program);
  try {
    await program.parseAsync([...words], { from: 'user' });
    return EXIT.done;
  } catch (error) {
    return tellFailure(error, say);
  }
}

/** Options of the whole stand after the command as well as before it, and all fail alike. */
function inheritSettings(program: Command): void {
  const visit = (command: Command) => {
    for (const inner of command.commands) {
      inner.copyInheritedSettings(program);
      if (inner.commands.length === 0) {
        inner.option('--json', 'print the answer as JSON');
        inner.on('option:json', () => program.setOptionValue('json', true));
      }
      visit(inner);
    }
  };
  visit(program);
}

function tellFailure(error: unknown, say: (line: string) => void): number {
  // It has said itself what is wrong; help that was asked for is no failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUsage;
  if (error instanceof BadNews) {
    say(error.message);
    return EXIT.badNews;
  }
  if (error instanceof Failure || error instanceof StartupError) {
    say(error.message);
    return EXIT.failed;
  }
  const sentence = sentenceOf(error);
  if (sentence === null) throw error;
  say(sentence);
  return EXIT.failed;
}

/** What the system, Node or Postgres says of a failure with a code; null where it is a defect of ours. */
function sentenceOf(error: unknown): string | null {
  const { code } = error as { code?: unknown };
  if (!(error instanceof Error) || typeof code !== 'string') return null;
  // Messages of class 22 quote what is stored.
  const quotes = /^22[0-9A-Z]{3}$/.test(code);
  if (quotes || error.message === '') return `The command failed: ${code}.`;
  return `The command failed: ${error.message.replace(/\.?$/, '.')}`;
}
