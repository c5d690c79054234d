import { defineConfig } from 'vitest/config';
import { SlowestFirst } from './test/support/slowest-first.js';
import { temporaryFolder } from './test/support/temporary-folder.js';

// Inherited by the processes that run the tests, and by those that the tests start.
process.env.TMPDIR = temporaryFolder();

export default defineConfig({
  // `#telemetry` and its like mean the sources here: tests of a lib need no build.
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['libs/**/*.test.ts', 'apps/**/*.test.ts', 'tools/**/*.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'behaviour',
          include: ['test/**/*.test.ts'],
          globalSetup: ['./test/support/services.ts'],
        },
      },
    ],
    // The apps are started as they are built.
    server: { deps: { external: [/\/dist\/bundles\//] } },
    // A behaviour waits for servers and processes: five files at once fill two cores.
    maxWorkers: 5,
    sequence: { sequencer: SlowestFirst },
    // Tests run most code a few times only. V8 would spend a tenth of their time on optimising it.
    execArgv: ['--interrupt-budget=2000000'],
    // No file changes what modules share, so that the next one need not load them again: Nest's,
    // BullMQ's and the like take a second for each of a hundred files.
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    retry: 0,
    // A busy machine may take a second for what takes milliseconds otherwise.
    expect: { requireAssertions: true, poll: { timeout: 5000 } },
  },
});
