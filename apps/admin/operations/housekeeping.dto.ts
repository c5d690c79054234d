import { ApiProperty } from '@nestjs/swagger';
import { maintenanceJobs } from '#queue';
import type { JobState, Run } from '#storage';
import { time } from '../http/fields.js';

class RunOfJob implements Run {
  @ApiProperty(time())
  startedAt!: string;

  @ApiProperty(time())
  finishedAt!: string;

  @ApiProperty({ type: 'integer' })
  durationMs!: number;

  @ApiProperty({ enum: ['done', 'failed'] })
  outcome!: Run['outcome'];

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: 'The result of the run; for a failed run, only the error code.',
  })
  detail!: object;
}

/** A maintenance job: its interval and its recent runs. */
class JobOfHousekeeping implements Omit<JobState, 'lastRun'> {
  @ApiProperty({ enum: Object.keys(maintenanceJobs) })
  job!: string;

  @ApiProperty({
    format: 'duration',
    description: 'The interval, as an ISO 8601 duration such as `PT3600S`.',
  })
  every!: string;

  @ApiProperty({ type: RunOfJob, nullable: true, description: 'Null if the job has never run.' })
  lastRun!: RunOfJob | null;

  @ApiProperty(time({ nullable: true }))
  lastSuccessAt!: string | null;

  @ApiProperty({ type: 'integer', description: 'Number of failed runs since the last success.' })
  failures!: number;
}

/** All maintenance jobs. */
export class HousekeepingJobs {
  @ApiProperty({ type: [JobOfHousekeeping] })
  jobs!: JobOfHousekeeping[];
}
