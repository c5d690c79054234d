import { ApiProperty } from '@nestjs/swagger';
import { housekeepingJobs } from '#queue';
import type { JobState, Run } from '#storage';
import { time } from './fields.js';

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
    description: 'What it did; of a failure only its code.',
  })
  detail!: object;
}

/** How a job stands, and how often it is done. */
class JobOfHousekeeping implements Omit<JobState, 'lastRun'> {
  @ApiProperty({ enum: Object.keys(housekeepingJobs) })
  job!: string;

  @ApiProperty({ format: 'duration', description: 'As ISO 8601 writes it, as `PT3600S`.' })
  every!: string;

  @ApiProperty({ type: RunOfJob, nullable: true, description: 'Null where it has never run.' })
  lastRun!: RunOfJob | null;

  @ApiProperty(time({ nullable: true }))
  lastSuccessAt!: string | null;

  @ApiProperty({ type: 'integer', description: 'How many runs have failed since.' })
  failures!: number;
}

/** Every job of housekeeping. */
export class HousekeepingJobs {
  @ApiProperty({ type: [JobOfHousekeeping] })
  jobs!: JobOfHousekeeping[];
}
