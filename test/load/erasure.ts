/**
 * Measures erasures in a database of millions of reports while events keep arriving: the time from
 * request to certificate, the time until suppression takes effect, and the effect on ingest.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Teardown } from '#devservers';
import { buildFleet } from './erasure-fleet.js';
import { describeErasures, type ErasureFigures } from './erasure-figures.js';
import { readErasureOptions, USAGE, type ErasureOptions } from './erasure-options.js';
import { startErasureStack } from './erasure-stack.js';
import { Erasures } from './erasures.js';
import { rollUp } from './roll-up.js';
import { runBenchmark, say } from './run-benchmark.js';
import { SteadyLoad } from './steady-load.js';

const MEASURE_MS = 5000;
const SETTLING_MS = 10_000;

async function bench(options: ErasureOptions, stopping: AbortSignal): Promise<ErasureFigures> {
  const teardown = new Teardown();
  try {
    say('Starting everything ...');
    const stack = await startErasureStack(teardown, stopping, say);
    const { reports, installations, oneByOne, atOnce, reportsOfLarge } = options;
    const large = oneByOne + atOnce;
    const size = { reports, installations, large, reportsOfLarge };
    const buildingFrom = Date.now();
    const ids = await buildFleet(stack.databaseUrl, size, say, stopping);
    say(`Built in ${Math.round((Date.now() - buildingFrom) / 1000)} s.`);
    say('Rolling up ...');
    await rollUp(stack.databaseUrl);
    const load = new SteadyLoad(stack, teardown);
    const most = options.load > 0 ? await load.measureMaximum(MEASURE_MS) : 0;
    load.start(most * options.load);
    await sleep(SETTLING_MS, undefined, { signal: stopping });
    const before = load.takeRates();

    const erased = await eraseUnderLoad(options, ids, load, new Erasures(stack, stopping));
    return { options, ...erased, rates: { most, before, ...erased.rates } };
  } finally {
    say('Stopping ...');
    await teardown.run();
  }
}

/** Erases large installations one by one and at once, then many others at once. */
async function eraseUnderLoad(
  { oneByOne, atOnce, many, reportsOfLarge }: ErasureOptions,
  ids: readonly string[],
  load: SteadyLoad,
  erasures: Erasures,
) {
  const large = oneByOne + atOnce;
  const single: number[] = [];
  for (const id of ids.slice(0, oneByOne)) {
    single.push(await erasures.eraseOne(id, 0.9 * reportsOfLarge));
    say(`Large installation ${single.length} of ${oneByOne}: ${single.at(-1)} ms.`);
  }
  const duringSingle = load.takeRates();
  const together = await erasures.eraseAll(ids.slice(oneByOne, large), 0.9 * reportsOfLarge);
  const duringTogether = load.takeRates();
  say(`${atOnce} large installations at once: ${Math.max(0, ...together)} ms.`);
  const others = await erasures.eraseAll(ids.slice(large, large + many), 0);
  const duringMany = load.takeRates();
  say(`${many} others at once: ${Math.max(0, ...others)} ms.`);
  await load.stop();
  await erasures.readFates();
  return {
    durations: { single, together, many: others },
    rates: { duringSingle, duringTogether, duringMany },
    probing: erasures.probing,
  };
}

await runBenchmark({
  usage: USAGE,
  readOptions: readErasureOptions,
  measure: bench,
  describe: describeErasures,
});
