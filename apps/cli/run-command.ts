import { Command, CommanderError } from 'commander';
import { optionsTakenByNpm, StartupError } from '#platform';
import { addAccess } from './commands/access.js';
import { addAnalyst } from './commands/analyst.js';
import { addErasures } from './commands/erasures.js';
import { addInstallations } from './commands/installations.js';
import { addOperations } from './commands/operations.js';
import { addProducts } from './commands/products.js';
import { addPurge } from './commands/purge.js';
import { addQuarantine } from './commands/quarantine.js';
import { connectAdmin, findDatabase } from './connection.js';
import { codeOf, ProblemFound, EXIT, Failure } from './outcome.js';
import { Printer } from './print.js';
import type { Terminal, WithDatabase, WithTools } from './tools.js';

const AFTER_HELP = `
Through npm, write -- before the command: npm run muster -- erase ID --dry-run. Otherwise npm takes the
options for itself.

By default, commands connect to the Muster that npm start runs on this machine. Set ADMIN_URL,
ADMIN_TOKEN and ADMIN_CA_FILE to use another one. The commands export, rollup and tokens bootstrap
connect to the database instead: set DATABASE_URL.

Times are RFC 3339 (2026-01-31T12:00:00Z) or a day in UTC (2026-01-31).

Exit codes: 0 success, 1 failure, 2 wrong usage, 3 success, but a problem was found (an erasure or
a job failed, event counts are out of balance).`;

/** The npm scripts that run commands. */
const SCRIPTS = ['muster', 'admin-token', 'verify-certificate'];

/** In the order of the help. */
const ADDERS: ((program: Command, withTools: WithTools, withDatabase: WithDatabase) => void)[] = [
  ...[addErasures, addInstallations, addAccess, addProducts],
  ...[addQuarantine, addPurge, addOperations],
];

/** Runs one command line. @returns the exit code */
export async function runCommand(words: readonly string[], terminal: Terminal): Promise<number> {
  const say = (line: string) => void terminal.err.write(`${line}\n`);
  const program = buildProgram(terminal, say);
  const missing = findMissingOptions(program, words, terminal);
  if (missing.includes('json')) program.setOptionValue('json', true);
  const refused = missing.filter((name) => name !== 'json').map((name) => `--${name}`);
  if (refused.length > 0) {
    say(
      `npm took ${refused.join(' and ')} for itself, so nothing was done. Write -- before the command: npm run muster -- …\n(Or remove the option from .npmrc or the environment, if it is set there.)`,
    );
    return EXIT.wrongUsage;
  }
  let outputError: unknown;
  terminal.out.once('error', (error) => (outputError = error));
  try {
    await program.parseAsync([...words], { from: 'user' });
    return EXIT.done;
  } catch (error) {
    // A reader that closes the pipe early, such as `head`, has what it wants. main.ts reports other errors of the output.
    if (error === outputError) return codeOf(error) === 'EPIPE' ? EXIT.done : EXIT.failed;
    return reportFailure(error, say);
  }
}

function buildProgram({ out, err, env }: Terminal, say: (line: string) => void): Command {
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
      const tools = { admin: await connectAdmin(env), printer: new Printer(out, json), out, say };
      await work(tools, ...args);
    };
  const withDatabase: WithDatabase =
    (work) =>
    (...args) =>
      work({ out, say, env, findDatabase: () => findDatabase(env) }, ...args);
  for (const add of ADDERS) add(program, withTools, withDatabase);
  addAnalyst(program, withDatabase);
  inheritSettings(program);
  return program;
}

/** Lets global options follow the command as well as precede it, and makes all commands fail alike. */
function inheritSettings(program: Command): void {
  for (const command of commandsOf(program)) {
    command.copyInheritedSettings(program);
    if (command.commands.length > 0) continue;
    command.option('--json', 'print the response as JSON');
    command.on('option:json', () => program.setOptionValue('json', true));
  }
}

/** All commands below a command. */
function commandsOf(command: Command): Command[] {
  return command.commands.flatMap((inner) => [inner, ...commandsOf(inner)]);
}

/**
 * Names of options that npm took. A missing --dry-run would turn a dry run into an erasure. A missing --json only
 * changes the format, and people set it in their .npmrc, so the caller applies it instead.
 */
function findMissingOptions(
  program: Command,
  words: readonly string[],
  { env }: Terminal,
): string[] {
  const options = [program, ...commandsOf(program)].flatMap((command) => command.options);
  const names = new Set(options.map((option) => option.name()));
  return SCRIPTS.flatMap((script) => optionsTakenByNpm({ script, names: [...names], words }, env));
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
