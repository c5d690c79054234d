import type { Logger, WorkerSettings } from '#platform';
import { runMaintenance, type Clock, type Housekeeper, type HousekeepingJob } from '#queue';
import {
  isConnectionLoss,
  type HousekeepingStore,
  type QuarantineStore,
  type Rollups,
  type TelemetryStore,
} from '#storage';
import type { HousekeepingMetrics } from './housekeeping-metrics.js';
import type { Watchdog } from './watchdog.js';

type Work = (signal: AbortSignal) => Promise<object>;

interface Stores {
  telemetry: TelemetryStore;
  house: HousekeepingStore;
  quarantine: QuarantineStore;
  rollups: Rollups;
}

/** Runs the scheduled maintenance jobs. The queue hands each run to one worker. */
export class Housekeeping {
  readonly #jobs: Record<HousekeepingJob, Work>;
  #keeper: Housekeeper | null = null;

  constructor(
    private readonly stores: Stores,
    private readonly metrics: HousekeepingMetrics,
    private readonly clock: Clock,
    private readonly watchdog: Watchdog,
    private readonly settings: WorkerSettings,
    private readonly logger: Logger,
  ) {
    const { telemetry, house, quarantine, rollups } = stores;
    const { retentionDays, rollupRetentionDays, quarantineRetentionDays } = settings;
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
    const { clock } = this;
    const { redisUrl, queuePrefix: prefix } = this.settings;
    const onFailure = (job: string, error: Error) => {
      // An outage is logged once, by the database.
      const level = isConnectionLoss(error) ? 'debug' : 'error';
      this.logger[level](
        { err: error, job },
        'maintenance job failed; it runs again at its next scheduled time',
      );
    };
    this.#keeper = runMaintenance({ redisUrl, prefix, clock, onError, onFailure }, (job, signal) =>
      this.run(job, signal),
    );
  }

  /** Stops the running job, which another worker restarts. */
  async stop(): Promise<void> {
    await this.#keeper?.close();
  }

  private async run(job: HousekeepingJob, signal: AbortSignal): Promise<void> {
    this.watchdog.begin('maintenance');
    const run = await this.metrics
      .measure(job, () => this.stores.house.run(job, signal, (until) => this.#jobs[job](until)))
      .finally(() => this.watchdog.end('maintenance'));
    if (run)
      this.logger.info(
        { job, durationMs: run.durationMs, ...run.detail },
        'maintenance run finished',
      );
  }
}
