import { stat } from 'node:fs/promises';
import { readSince } from '#devservers';

const POLL_MS = 300;
const MAX_LINES = 5;
const MAX_LINE_LENGTH = 200;
const ERROR_LEVELS = ['warn', 'error', 'fatal'];

/**
 * Prints the warnings and errors that a process logs from now on, shortened.
 *
 * @returns a function that stops following
 */
export async function followErrors(options: {
  name: string;
  logFile: string;
  say: (line: string) => void;
}): Promise<() => void> {
  const { name, logFile, say } = options;
  let seen = (await stat(logFile)).size;
  const poll = async () => {
    const added = await readSince(logFile, seen);
    // An incomplete last line is read again at the next poll.
    const complete = added.slice(0, added.lastIndexOf('\n') + 1);
    seen += Buffer.byteLength(complete);
    const errors = complete.split('\n').flatMap((line) => errorIn(line) ?? []);
    for (const error of errors.slice(0, MAX_LINES)) say(`${name}: ${error}`);
    const more = errors.length - MAX_LINES;
    if (more > 0) say(`${name}: ${more} more warnings or errors; see ${logFile}`);
  };
  const timer = setInterval(() => void poll(), POLL_MS).unref();
  return () => clearInterval(timer);
}

function errorIn(line: string): string | undefined {
  if (line === '') return undefined;
  const { level, msg, err } = parse(line);
  if (!ERROR_LEVELS.includes(level ?? 'error')) return undefined;
  const reason = err?.message && err.message !== msg ? ` (${err.message})` : '';
  return `${msg ?? line}${reason}`.slice(0, MAX_LINE_LENGTH);
}

/** A line that our logger did not write, such as one from Node, counts as an error. */
function parse(line: string): { level?: string; msg?: string; err?: { message?: string } } {
  try {
    return JSON.parse(line) as object;
  } catch {
    return {};
  }
}
