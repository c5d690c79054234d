import { runMaintenance, type MaintenanceRunner, type MaintenanceJob } from '#queue';
import {
  isConnectionLoss,
  MaintenanceStore,
  QuarantineStore,
  Rollups,
  type TelemetryStore,
} from '#storage';
import type { MaintenanceMetrics } from './maintenance-metrics.js';
import type { Shared } from './shared.js';

type Work = (signal: AbortSignal) => Promise<object>;

/** Runs the scheduled maintenance jobs. The queue hands each run to one worker. */
export class Maintenance {
  readonly #jobs: Record<MaintenanceJob, Work>;
  readonly #store: MaintenanceStore;
  #runner: MaintenanceRunner | null = null;

  constructor(
    private readonly shared: Pick<
      Shared,
      'settings' | 'database' | 'redis' | 'clock' | 'watchdog' | 'logger'
    >,
    telemetry: TelemetryStore,
    private readonly metrics: MaintenanceMetrics,
  ) {
    const { database, settings } = shared;
    const { retentionDays, rollupRetentionDays, quarantineRetentionDays } = settings;
    const store = new MaintenanceStore(database);
    const quarantine = new QuarantineStore(database);
    const rollups = new Rollups(database);
    this.#store = store;
    // Intervals: `maintenanceJobs`.
    this.#jobs = {
      partitions: async () => ({ created: await telemetry.preparePartitions() }),
      retention: (signal) => store.applyRetention({ retentionDays, rollupRetentionDays, signal }),
      orphans: async (signal) => ({ removed: await store.collectOrphans(signal) }),
      compaction: (signal) => store.compact({ signal }),
      'quarantine-retention': async () => ({
        removed: await quarantine.removeExpiredQuarantine(quarantineRetentionDays),
      }),
      rollups: async (signal) => ({ ...(await rollups.refreshIfDue({ signal })) }),
    };
  }

  start(onError: (error: Error) => void): void {
    const { redis, clock, logger } = this.shared;
    const onFailure = (job: string, error: Error) => {
      // An outage is logged once, by the database.
      const level = isConnectionLoss(error) ? 'debug' : 'error';
      logger[level](
        { err: error, job },
        'maintenance job failed; it runs again at its next scheduled time',
      );
    };
    this.#runner = runMaintenance(redis, { clock, onError, onFailure }, (job, signal) =>
      this.run(job, signal),
    );
  }

  /** Stops the running job, which another worker restarts. */
  async stop(): Promise<void> {
    await this.#runner?.close();
  }

  private async run(job: MaintenanceJob, signal: AbortSignal): Promise<void> {
    const { watchdog, logger } = this.shared;
    watchdog.begin('maintenance');
    const run = await this.metrics
      .measure(job, () => this.#store.run(job, signal, (until) => this.#jobs[job](until)))
      .finally(() => watchdog.end('maintenance'));
    if (run)
      logger.info({ job, durationMs: run.durationMs, ...run.detail }, 'maintenance run finished');
  }
}
