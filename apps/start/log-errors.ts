import { stat } from 'node:fs/promises';
import { addedSince } from '#devservers';

const POLL_MS = 300;
const MOST_LINES = 5;
const LONGEST_LINE = 200;
const TROUBLES = ['warn', 'error', 'fatal'];

/**
 * Shows the warnings and errors that a process logs from now on, shortened.
 *
 * @returns a function that ends it
 */
export async function followTroubles(options: {
  name: string;
  logFile: string;
  say: (line: string) => void;
}): Promise<() => void> {
  const { name, logFile, say } = options;
  let seen = (await stat(logFile)).size;
  const poll = async () => {
    const added = await addedSince(logFile, seen);
    // What has no end yet is read again with its rest.
    const whole = added.slice(0, added.lastIndexOf('\n') + 1);
    seen += Buffer.byteLength(whole);
    const troubles = whole.split('\n').flatMap((line) => troubleIn(line) ?? []);
    for (const trouble of troubles.slice(0, MOST_LINES)) say(`${name}: ${trouble}`);
    const more = troubles.length - MOST_LINES;
    if (more > 0) say(`${name}: and ${more} more like these, see ${logFile}`);
  };
  const timer = setInterval(() => void poll(), POLL_MS).unref();
  return () => clearInterval(timer);
}

function troubleIn(line: string): string | undefined {
  if (line === '') return undefined;
  const { level, msg, err } = parse(line);
  if (!TROUBLES.includes(level ?? 'error')) return undefined;
  const reason = err?.message && err.message !== msg ? ` (${err.message})` : '';
  return `${msg ?? line}${reason}`.slice(0, LONGEST_LINE);
}

/** A line that is not of our logger, such as one of Node itself, is trouble as it stands. */
function parse(line: string): { level?: string; msg?: string; err?: { message?: string } } {
  try {
    return JSON.parse(line) as object;
  } catch {
    return {};
  }
}
