import { runProcess } from '#platform';
import { EXIT } from './outcome.js';
import { runCommand } from './run-command.js';

/**
 * The command line: `npm run muster -- COMMAND`. The exit code is one of EXIT. A signal ends it at once, because
 * work that it has started continues in the workers.
 */
runProcess(
  async () => {
    process.exitCode = await runCommand(process.argv.slice(2), process.stdout, process.stderr);
    return { stop: () => Promise.resolve() };
  },
  { name: 'muster', stopTimeoutMs: 100 },
);

// A reader that closes the pipe early, such as `head`, is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exitCode = error.code === 'EPIPE' ? EXIT.done : EXIT.failed;
});
