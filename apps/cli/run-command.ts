import type { Writable } from 'node:stream';
import { Command, CommanderError } from 'commander';
import { StartupError } from '#platform';
import { addAccess } from './commands/access.js';
import { addAnalyst } from './commands/analyst.js';
import { addErasures } from './commands/erasures.js';
import { addOperations } from './commands/operations.js';
import { addProducts } from './commands/products.js';
import { addPurge } from './commands/purge.js';
import { addQuarantine } from './commands/quarantine.js';
import { connectAdmin } from './connection.js';
import { ProblemFound, EXIT, Failure } from './outcome.js';
import { Printer } from './print.js';
import type { WithTools } from './tools.js';

const AFTER_HELP = `
Exit codes: 0 success, 1 failure, 2 wrong usage, 3 success, but a problem was found (an erasure or
a job failed, event counts are out of balance).

By default, commands connect to the Muster that npm start runs on this machine. Set ADMIN_URL,
ADMIN_TOKEN and ADMIN_CA_FILE to use another one, and DATABASE_URL for export and rollup, which
connect to the database.`;

/** Runs one command line. @returns the exit code */
export async function runCommand(
  words: readonly string[],
  out: Writable,
  err: Writable,
): Promise<number> {
  const say = (line: string) => void err.write(`${line}\n`);
  const program = new Command('muster')
    .description(
      'Administers Muster: erasures, keys, products, quarantine, purges, queue and balance.',
    )
    .option('--json', 'print the response as JSON')
    .addHelpText('after', AFTER_HELP)
    .showHelpAfterError('(use --help for usage)')
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
    return reportFailure(error, say);
  }
}

/** Lets global options follow the command as well as precede it, and makes all commands fail alike. */
function inheritSettings(program: Command): void {
  const visit = (command: Command) => {
    for (const inner of command.commands) {
      inner.copyInheritedSettings(program);
      if (inner.commands.length === 0) {
        inner.option('--json', 'print the response as JSON');
        inner.on('option:json', () => program.setOptionValue('json', true));
      }
      visit(inner);
    }
  };
  visit(program);
}

function reportFailure(error: unknown, say: (line: string) => void): number {
  // Commander has already printed the reason. Requested help is not a failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUsage;
  if (error instanceof ProblemFound) {
    say(error.message);
    return EXIT.problemFound;
  }
  if (error instanceof Failure || error instanceof StartupError) {
    say(error.message);
    return EXIT.failed;
  }
  const description = describeFailure(error);
  if (description === null) throw error;
  say(description);
  return EXIT.failed;
}

/** The message of an error from the system, Node or Postgres; null for a bug in Muster. */
function describeFailure(error: unknown): string | null {
  const { code } = error as { code?: unknown };
  if (!(error instanceof Error) || typeof code !== 'string') return null;
  // Postgres quotes stored values in errors of class 22 (data exception).
  const quotesData = /^22[0-9A-Z]{3}$/.test(code);
  if (quotesData || error.message === '') return `The command failed: ${code}.`;
  return `The command failed: ${error.message.replace(/\.?$/, '.')}`;
}
