import type { Logger, WorkerSettings } from '#platform';
import { keepHouse, type Housekeeper, type HousekeepingJob } from '#queue';
import type { HousekeepingStore, QuarantineStore, Rollups, TelemetryStore } from '#storage';
import type { HousekeepingMetrics } from './housekeeping-metrics.js';

type Work = (signal: AbortSignal) => Promise<object>;

/** What is kept in order. */
interface Stores {
  telemetry: TelemetryStore;
  house: HousekeepingStore;
  quarantine: QuarantineStore;
  rollups: Rollups;
}

/** What the store does for itself, whenever one of all workers is told that it is time. */
export class Housekeeping {
  readonly #jobs: Record<HousekeepingJob, Work>;
  #keeper: Housekeeper | null = null;

  constructor(
    private readonly stores: Stores,
    private readonly metrics: HousekeepingMetrics,
    private readonly settings: WorkerSettings,
    private readonly logger: Logger,
  ) {
    const { telemetry, house, quarantine, rollups } = stores;
    const { retentionDays, rollupRetentionDays, quarantineRetentionDays } = settings;
    // How often each is done stands in `housekeepingJobs`.
    this.#jobs = {
      partitions: async () => ({ created: await telemetry.preparePartitions() }),
      retention: (signal) => house.applyRetention({ retentionDays, rollupRetentionDays, signal }),
      orphans: async (signal) => ({ removed: await house.collectOrphans(signal) }),
      compaction: (signal) => house.compact({ signal }),
      'quarantine-retention': async () => ({
        removed: await quarantine.removeExpiredQuarantine(quarantineRetentionDays),
      }),
      rollups: async (signal) => ({ ...(await rollups.refreshInTurn({ signal })) }),
    };
  }

  start(onError: (error: Error) => void): void {
    const { redisUrl, queuePrefix: prefix } = this.settings;
    const onFailure = (job: string, error: Error) =>
      this.logger.error({ err: error, job }, 'a job of housekeeping failed; it has its next time');
    this.#keeper = keepHouse({ redisUrl, prefix, onError, onFailure }, (job, signal) =>
      this.do(job, signal),
    );
  }

  /** Ends the job under way, which another worker begins again. */
  async stop(): Promise<void> {
    await this.#keeper?.close();
  }

  private async do(job: HousekeepingJob, signal: AbortSignal): Promise<void> {
    const run = await this.metrics.measure(job, () =>
      this.stores.house.run(job, signal, (until) => this.#jobs[job](until)),
    );
    if (run) this.logger.info({ job, durationMs: run.durationMs, ...run.detail }, 'kept house');
  }
}
