import { ApiProperty } from '@nestjs/swagger';
import { chainFaults, type CopyReport, type LedgerVerification } from '#storage';
import { DryRunBody, DryRunQuery } from '../http/dry-run.js';
import { Flag, QueryFlag } from '../http/fields.js';
import { PlaceInLedger } from './erasures.dto.js';

/** `POST /v1/erasures/verify`: the query. */
export class LedgerQuery extends DryRunQuery {
  @QueryFlag() acceptLoss?: boolean;
}

/** `POST /v1/erasures/verify`: the body. */
export class LedgerBody extends DryRunBody {
  @Flag() acceptLoss?: boolean;
}

/** The first invalid entry, and why it is invalid. */
class FaultOfChain {
  @ApiProperty({
    enum: [...chainFaults, 'truncated', 'other_chain'],
    description:
      '`truncated`: the database has seen later entries. `other_chain`: the database has seen a different entry at this position.',
  })
  reason!: (typeof chainFaults)[number] | 'truncated' | 'other_chain';

  @ApiProperty({ type: 'integer' })
  sequence!: number;
}

class CopyOfLedger implements CopyReport {
  @ApiProperty({ enum: ['redis', 'file'] })
  copy!: 'redis' | 'file';

  @ApiProperty({ type: 'integer', description: 'Number of entries before the first fault.' })
  entries!: number;

  @ApiProperty({ type: FaultOfChain, nullable: true })
  fault!: FaultOfChain | null;
}

class ForgottenByDatabase {
  @ApiProperty({ type: [String], description: 'Erasures that the database does not know.' })
  erasures!: string[];

  @ApiProperty({
    type: 'integer',
    description: 'Installations that are no longer suppressed, but should be.',
  })
  suppressions!: number;

  @ApiProperty({
    type: 'integer',
    description: 'Installations that are suppressed again, although they were unsuppressed.',
  })
  lifts!: number;

  @ApiProperty({ type: 'integer', description: 'Erased installations that have rows again.' })
  reappeared!: number;
}

/** The erasure ledger with all signatures verified, compared with the database. */
export class LedgerReport implements LedgerVerification {
  @ApiProperty({ description: 'The last entry.' })
  head!: PlaceInLedger;

  @ApiProperty({ description: 'The last entry that the database has applied.' })
  database!: PlaceInLedger;

  @ApiProperty({ type: [CopyOfLedger] })
  copies!: CopyOfLedger[];

  @ApiProperty({ description: 'Whether all copies are identical.' })
  agree!: boolean;

  @ApiProperty({ type: FaultOfChain, nullable: true })
  fault!: FaultOfChain | null;

  @ApiProperty({ description: 'Whether an entry is missing, altered or in the wrong place.' })
  isDamaged!: boolean;

  @ApiProperty({
    description: 'What the database has lost. It is applied again, unless this is a dry run.',
  })
  forgotten!: ForgottenByDatabase;

  @ApiProperty()
  dryRun!: boolean;
}
