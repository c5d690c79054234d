import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { maintenanceJobs } from '#queue';
import type { MaintenanceStore, Run } from '#storage';

/** From finding an existing partition to rewriting a month of a large fleet. */
const BUCKETS_S = [0.01, 0.1, 1, 10, 60, 300, 1800, 7200];

/**
 * Prometheus metrics of maintenance: this worker's runs, and from the database the last success of each job on
 * any worker.
 */
export class MaintenanceMetrics {
  readonly #registry: Registry;
  readonly #runs: Counter<'job' | 'outcome'>;
  readonly #durations: Histogram<'job'>;

  constructor(store: MaintenanceStore, registry = new Registry()) {
    this.#registry = registry;
    const registers = [this.#registry];
    this.#runs = new Counter({
      name: 'muster_housekeeping_runs_total',
      help: 'Maintenance jobs that this worker ran, by outcome: done or failed.',
      labelNames: ['job', 'outcome'],
      registers,
    });
    this.#durations = new Histogram({
      name: 'muster_housekeeping_duration_seconds',
      help: 'Duration of the maintenance jobs that this worker ran.',
      labelNames: ['job'],
      buckets: BUCKETS_S,
      registers,
    });
    for (const job of Object.keys(maintenanceJobs)) {
      for (const outcome of ['done', 'failed']) this.#runs.inc({ job, outcome }, 0);
    }
    new Gauge({
      name: 'muster_housekeeping_last_success_timestamp_seconds',
      help: 'Unix time of the last success of the job on any worker.',
      labelNames: ['job'],
      registers,
      async collect() {
        const states = await store.states().catch(() => []); // while the database is unavailable
        this.reset();
        for (const { job, lastSuccessAt } of states) {
          if (lastSuccessAt !== null) this.set({ job }, Date.parse(lastSuccessAt) / 1000);
        }
      },
    });
  }

  /** Measures a run. A null run, which means that another worker has the job, is not counted. */
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
