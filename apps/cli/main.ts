import { runProcess } from '#platform';
import { codeOf, EXIT } from './outcome.js';
import { runCommand } from './run-command.js';

/**
 * The command line: `npm run muster -- COMMAND`. The exit code is one of EXIT. A signal ends it at once, because
 * work that it has started continues in the workers.
 */
runProcess(
  async () => {
    const { stdout: out, stderr: err } = process;
    const code = await runCommand(process.argv.slice(2), { out, err });
    process.exitCode ??= code;
    return { stop: () => Promise.resolve() };
  },
  { name: 'muster', stopTimeoutMs: 100 },
);

process.stdout.on('error', (error) => {
  // A reader that closes the pipe early, such as `head`, has what it wants.
  if (codeOf(error) === 'EPIPE') return;
  process.stderr.write(`Cannot write the output (${codeOf(error)}).\n`);
  process.exitCode = EXIT.failed;
});
