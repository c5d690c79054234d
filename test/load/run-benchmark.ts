/** What is told of a benchmark to be run from the command line. */
export interface Benchmark<Options extends { json: boolean }, Figures> {
  usage: string;
  /** @returns null when only help is wanted. @throws Error with a sentence for people */
  readOptions: (args: string[]) => Options | null;
  /** Stops soon after its signal, and leaves nothing running. */
  measure: (options: Options, stopping: AbortSignal) => Promise<Figures>;
  describe: (figures: Figures) => string;
}

/** 128 + 2, as a shell says that Ctrl-C ended a program. */
const INTERRUPTED = 130;

/** Progress goes to stderr, so that stdout has the figures only. */
export const say = (line: string) => console.error(line);

/** Runs a benchmark and prints its figures, as text or as JSON. */
export async function runBenchmark<Options extends { json: boolean }, Figures>(
  benchmark: Benchmark<Options, Figures>,
): Promise<void> {
  const stopping = new AbortController();
  // Each signal is taken every time: the terminal and npm both send a Ctrl-C.
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
