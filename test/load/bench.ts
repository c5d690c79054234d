/**
 * Measures on this machine the throughput of plain Fastify, of ingest up to the durable write, and
 * of the whole path into Postgres, and the disk space of a stored report. Absolute values depend on
 * the machine; compare the ratios.
 */
import { Teardown } from '#devservers';
import { measureDisk } from './disk.js';
import { describe, summarise, type Figures } from './figures.js';
import { readOptions, USAGE, type Options } from './options.js';
import { runBenchmark, say } from './run-benchmark.js';
import { startStack } from './stack.js';
import { Throughput, type Round } from './throughput.js';

async function bench(options: Options, stopping: AbortSignal): Promise<Figures> {
  const teardown = new Teardown();
  try {
    say('Starting everything ...');
    const stack = await startStack(teardown, stopping, say);
    const throughput = new Throughput(stack, options, teardown, stopping);
    say('Warming up ...');
    await throughput.warmUp();
    const rounds: Round[] = [];
    for (let number = 1; number <= options.rounds; number += 1) {
      say(`Round ${number} of ${options.rounds} ...`);
      rounds.push(await throughput.round());
    }
    if (options.reports > 0) say(`Storing ${options.reports} reports ...`);
    const disk =
      options.reports > 0 ? await measureDisk(stack.databaseUrl, options.reports, stopping) : null;
    return summarise(options, rounds, disk);
  } finally {
    say('Stopping ...');
    await teardown.run();
  }
}

await runBenchmark({ usage: USAGE, readOptions, measure: bench, describe });
