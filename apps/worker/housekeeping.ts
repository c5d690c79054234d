import { runMaintenance, type Housekeeper, type HousekeepingJob } from '#queue';
import {
  isConnectionLoss,
  HousekeepingStore,
  QuarantineStore,
  Rollups,
  type TelemetryStore,
} from '#storage';
import type { HousekeepingMetrics } from './housekeeping-metrics.js';
import type { Shared } from './shared.js';

type Work = (signal: AbortSignal) => Promise<object>;

/** Runs the scheduled maintenance jobs. The queue hands each run to one worker. */
export class Housekeeping {
  readonly #jobs: Record<HousekeepingJob, Work>;
  readonly #house: HousekeepingStore;
  #keeper: Housekeeper | null = null;

  constructor(
    private readonly shared: Pick<
      Shared,
      'settings' | 'database' | 'redis' | 'clock' | 'watchdog' | 'logger'
    >,
    telemetry: TelemetryStore,
    private readonly metrics: HousekeepingMetrics,
  ) {
    const { database, settings } = shared;
    const { retentionDays, rollupRetentionDays, quarantineRetentionDays } = settings;
    const house = new HousekeepingStore(database);
    const quarantine = new QuarantineStore(database);
    const rollups = new Rollups(database);
    this.#house = house;
    // Intervals: `housekeepingJobs`.
    this.#jobs = {
      partitions: async () => ({ created: await telemetry.preparePartitions() }),
      retention: (signal) => house.applyRetention({ retentionDays, rollupRetentionDays, signal }),
      orphans: async (signal) => ({ removed: await house.collectOrphans(signal) }),
      compaction: (signal) => house.compact({ signal }),
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
    this.#keeper = runMaintenance(redis, { clock, onError, onFailure }, (job, signal) =>
      this.run(job, signal),
    );
  }

  /** Stops the running job, which another worker restarts. */
  async stop(): Promise<void> {
    await this.#keeper?.close();
  }

  private async run(job: HousekeepingJob, signal: AbortSignal): Promise<void> {
    const { watchdog, logger } = this.shared;
    watchdog.begin('maintenance');
    const run = await this.metrics
      .measure(job, () => this.#house.run(job, signal, (until) => this.#jobs[job](until)))
      .finally(() => watchdog.end('maintenance'));
    if (run)
      logger.info({ job, durationMs: run.durationMs, ...run.detail }, 'maintenance run finished');
  }
}
