import { Controller, Get } from '@nestjs/common';
import { maintenanceJobs } from '#queue';
import { MaintenanceStore } from '#storage';
import { HousekeepingJobs } from './housekeeping.dto.js';
import { Scope } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';

@Controller('v1/housekeeping')
export class HousekeepingController {
  constructor(private readonly maintenance: MaintenanceStore) {}

  @Get()
  @Scope('operations:read')
  @Documented({
    summary: 'Lists the maintenance jobs and their last runs',
    response: HousekeepingJobs,
  })
  async list(): Promise<HousekeepingJobs> {
    const states = await this.maintenance.states();
    const jobs = Object.entries(maintenanceJobs).map(([job, { everyMs }]) => {
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
