import { runProcess } from '#platform';
import { EXIT } from './outcome.js';
import { runCommand } from './run-command.js';

/**
 * The command line: `npm run muster -- COMMAND`. It ends when its work is done, with an exit code of
 * EXIT; a signal ends it at once, for whatever it began goes on in the workers.
 */
runProcess(
  async () => {
    process.exitCode = await runCommand(process.argv.slice(2), process.stdout, process.stderr);
    return { stop: () => Promise.resolve() };
  },
  { name: 'muster', stopTimeoutMs: 100 },
);

// A reader that has seen enough, as `head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exitCode = error.code === 'EPIPE' ? EXIT.done : EXIT.failed;
});
