import { Controller, Get } from '@nestjs/common';
import { housekeepingJobs } from '#queue';
import { HousekeepingStore } from '#storage';
import { HousekeepingJobs } from './answers/housekeeping.js';
import { Scope } from './gatekeeper.js';
import { Documented } from './reference/documented.js';

/** What the store does for itself. */
@Controller('v1/housekeeping')
export class HousekeepingController {
  constructor(private readonly housekeeping: HousekeepingStore) {}

  /** Every job: how often it is done (ISO 8601), its last run, and how many have failed since it succeeded. */
  @Get()
  @Scope('operations:read')
  @Documented({ summary: 'How the jobs of housekeeping stand', answer: HousekeepingJobs })
  async list(): Promise<HousekeepingJobs> {
    const states = await this.housekeeping.states();
    const jobs = Object.entries(housekeepingJobs).map(([job, { everyMs }]) => {
      const {
        lastRun = null,
        lastSuccessAt = null,
        failures = 0,
      } = states.find((state) => state.job === job) ?? {};
      return { job, every: `PT${everyMs / 1000}S`, lastRun, lastSuccessAt, failures };
    });
    return { jobs };
  }
}
