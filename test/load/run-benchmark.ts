/** A benchmark that can be run from the command line. */
export interface Benchmark<Options extends { json: boolean }, Figures> {
  usage: string;
  /** @returns null if help is requested. @throws Error with a message for the user */
  readOptions: (args: string[]) => Options | null;
  /** Stops soon after the signal, and leaves nothing running. */
  measure: (options: Options, stopping: AbortSignal) => Promise<Figures>;
  describe: (figures: Figures) => string;
}

/** 128 + SIGINT: the exit code of a program that Ctrl-C ended. */
const INTERRUPTED = 130;

/** Progress goes to stderr, so that stdout has only the results. */
export const say = (line: string) => console.error(line);

/** Runs a benchmark and prints the results as text or JSON. */
export async function runBenchmark<Options extends { json: boolean }, Figures>(
  benchmark: Benchmark<Options, Figures>,
): Promise<void> {
  const stopping = new AbortController();
  // Handlers stay installed, because the terminal and npm both send SIGINT.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stopping.abort());
  }
  try {
    const options = benchmark.readOptions(process.argv.slice(2));
    if (!options) return console.log(benchmark.usage);
    const figures = await benchmark.measure(options, stopping.signal);
    console.log(options.json ? JSON.stringify(figures, null, 2) : benchmark.describe(figures));
  } catch (error) {
    if (!stopping.signal.aborted) say(error instanceof Error ? error.message : String(error));
    process.exitCode = stopping.signal.aborted ? INTERRUPTED : 1;
  }
}
