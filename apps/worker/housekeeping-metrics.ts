import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { housekeepingJobs } from '#queue';
import type { HousekeepingStore, Run } from '#storage';

/** From a partition that is there already to a fleet's month that is rewritten. */
const BUCKETS_S = [0.01, 0.1, 1, 10, 60, 300, 1800, 7200];

/**
 * How housekeeping goes, for Prometheus: what this worker did, and when each job last succeeded anywhere,
 * which is asked of the database.
 */
export class HousekeepingMetrics {
  readonly #registry: Registry;
  readonly #runs: Counter<'job' | 'outcome'>;
  readonly #durations: Histogram<'job'>;

  constructor(store: HousekeepingStore, registry = new Registry()) {
    this.#registry = registry;
    const registers = [this.#registry];
    this.#runs = new Counter({
      name: 'muster_housekeeping_runs_total',
      help: 'Jobs of housekeeping that this worker did, by outcome: done or failed.',
      labelNames: ['job', 'outcome'],
      registers,
    });
    this.#durations = new Histogram({
      name: 'muster_housekeeping_duration_seconds',
      help: 'How long the jobs of housekeeping took that this worker did.',
      labelNames: ['job'],
      buckets: BUCKETS_S,
      registers,
    });
    for (const job of Object.keys(housekeepingJobs)) {
      for (const outcome of ['done', 'failed']) this.#runs.inc({ job, outcome }, 0);
    }
    new Gauge({
      name: 'muster_housekeeping_last_success_timestamp_seconds',
      help: 'When the job last succeeded on any worker, in seconds since 1970.',
      labelNames: ['job'],
      registers,
      async collect() {
        const states = await store.states().catch(() => []); // while the database is away
        this.reset();
        for (const { job, lastSuccessAt } of states) {
          if (lastSuccessAt !== null) this.set({ job }, Date.parse(lastSuccessAt) / 1000);
        }
      },
    });
  }

  /** Counts a run; not one that another worker was doing. */
  async measure(job: string, work: () => Promise<Run | null>): Promise<Run | null> {
    try {
      const run = await work();
      if (run) {
        this.#runs.inc({ job, outcome: run.outcome });
        this.#durations.observe({ job }, run.durationMs / 1000);
      }
      return run;
    } catch (error) {
      this.#runs.inc({ job, outcome: 'failed' });
      throw error;
    }
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In the text format of Prometheus. */
  async text(): Promise<string> {
    return this.#registry.metrics();
  }
}
