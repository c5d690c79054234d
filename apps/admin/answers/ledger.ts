import { ApiProperty } from '@nestjs/swagger';
import { chainFaults, type CopyReport, type LedgerVerification } from '#storage';
import { PlaceInLedger } from './erasures.js';

/** The first entry that is not what was written, and why. */
class FaultOfChain {
  @ApiProperty({
    enum: [...chainFaults, 'truncated', 'other_chain'],
    description:
      '`truncated`: the database has seen later entries. `other_chain`: it has seen another entry there.',
  })
  reason!: (typeof chainFaults)[number] | 'truncated' | 'other_chain';

  @ApiProperty({ type: 'integer' })
  sequence!: number;
}

class CopyOfLedger implements CopyReport {
  @ApiProperty({ enum: ['redis', 'file'] })
  copy!: 'redis' | 'file';

  @ApiProperty({ type: 'integer', description: 'Entries up to the first fault.' })
  entries!: number;

  @ApiProperty({ type: FaultOfChain, nullable: true })
  fault!: FaultOfChain | null;
}

class ForgottenByDatabase {
  @ApiProperty({ type: [String], description: 'Erasures that the database did not know.' })
  erasures!: string[];

  @ApiProperty({ type: 'integer', description: 'Installations that were not suppressed any more.' })
  suppressions!: number;

  @ApiProperty({ type: 'integer', description: 'Installations whose suppression had been lifted.' })
  lifts!: number;

  @ApiProperty({ type: 'integer', description: 'Erased installations that have rows again.' })
  reappeared!: number;
}

/** The ledger of erasures, checked with every signature, and the database compared with it. */
export class LedgerReport implements LedgerVerification {
  @ApiProperty({ description: 'The last entry.' })
  head!: PlaceInLedger;

  @ApiProperty({ description: 'The last entry that the database had followed.' })
  database!: PlaceInLedger;

  @ApiProperty({ type: [CopyOfLedger] })
  copies!: CopyOfLedger[];

  @ApiProperty({ description: 'Whether all copies held the same.' })
  agree!: boolean;

  @ApiProperty({ type: FaultOfChain, nullable: true })
  fault!: FaultOfChain | null;

  @ApiProperty({ description: 'Whether an entry is missing, altered or in the wrong place.' })
  isDamaged!: boolean;

  @ApiProperty({ description: 'What is applied again, unless it is a dry run.' })
  forgotten!: ForgottenByDatabase;

  @ApiProperty()
  dryRun!: boolean;
}
