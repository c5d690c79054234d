import { ApiProperty, OmitType } from '@nestjs/swagger';
import {
  erasureModes,
  erasureStates,
  type Erasure,
  type ErasureMode,
  type ErasureState,
  type LedgerPlace,
  type LogState,
} from '#storage';
import { rowsByTable, time } from './fields.js';

/** A place in the ledger of erasures that is kept outside the database. */
export class PlaceInLedger implements LedgerPlace {
  @ApiProperty({ type: 'integer', description: 'The number of the entry.' })
  sequence!: number;

  @ApiProperty({ description: 'SHA-256 of the entry, in hex.' })
  hash!: string;
}

/** What became of the append-only file of Redis, which keeps what was removed from the queue. */
export class AppendOnlyFile implements LogState {
  @ApiProperty({
    enum: ['rewritten', 'pending', 'off', 'not_permitted'],
    description:
      '`pending`: it follows as an addendum. `off`: there is no such file. `not_permitted`: Redis forbids the rewrite.',
  })
  state!: LogState['state'];

  @ApiProperty(time({ nullable: true }))
  rewrittenAt!: string | null;
}

/** An erasure, and how far it is. */
export class ErasureProgress implements Erasure {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ enum: erasureModes })
  mode!: ErasureMode;

  @ApiProperty({ enum: erasureStates })
  state!: ErasureState;

  @ApiProperty({ type: 'integer', description: 'How many installations it is about.' })
  installations!: number;

  @ApiProperty(time())
  requestedAt!: string;

  @ApiProperty(time({ nullable: true }))
  suppressedAt!: string | null;

  @ApiProperty(time({ nullable: true }))
  erasedAt!: string | null;

  @ApiProperty(time({ nullable: true }))
  completedAt!: string | null;

  @ApiProperty(rowsByTable({ description: 'Rows that were removed, by table.' }))
  removed!: Record<string, number>;

  @ApiProperty(rowsByTable({ nullable: true, description: 'Rows that were left: 0 each.' }))
  verified!: Record<string, number> | null;

  @ApiProperty({
    type: PlaceInLedger,
    nullable: true,
    description: 'Its latest entry in the ledger.',
  })
  ledger!: PlaceInLedger | null;

  @ApiProperty(
    time({
      nullable: true,
      description: 'When it was taken from the ledger, because a restored database had lost it.',
    }),
  )
  reappliedAt!: string | null;

  @ApiProperty({
    type: AppendOnlyFile,
    nullable: true,
    description: 'Null where nothing was removed from the queue.',
  })
  redisAppendOnlyFile!: AppendOnlyFile | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'Why the last attempt failed.' })
  failure!: string | null;
}

/** The answer to a request for an erasure. */
export class OneErasure {
  @ApiProperty()
  erasure!: ErasureProgress;
}

/** The answer to a request for an erasure, or what it would remove where it only counts. */
export class ErasureOrCount {
  @ApiProperty({ required: false })
  erasure?: ErasureProgress;

  @ApiProperty({ required: false, description: 'Whether it only counted.' })
  dryRun?: boolean;

  @ApiProperty(rowsByTable({ required: false, description: 'Rows it would remove, by table.' }))
  rows?: Record<string, number>;
}

/** Erasures, the latest first. */
export class ErasurePage {
  @ApiProperty({ type: [ErasureProgress] })
  erasures!: ErasureProgress[];

  @ApiProperty({ type: 'string', nullable: true, description: 'What to give as `after`.' })
  next!: string | null;
}

const SINCE_LEDGER = ['ledger', 'reappliedAt', 'redisAppendOnlyFile'] as const;

/** The erasure as it was when it was complete; its installations by their hashes. */
class StatementOfErasure extends OmitType(ErasureProgress, [
  ...(['state', 'failure', 'installations'] as const),
  ...SINCE_LEDGER,
]) {
  @ApiProperty({ type: PlaceInLedger, nullable: true, required: false })
  ledger?: PlaceInLedger | null;

  @ApiProperty(time({ nullable: true, required: false }))
  reappliedAt?: string | null;

  @ApiProperty({ type: AppendOnlyFile, nullable: true, required: false })
  redisAppendOnlyFile?: AppendOnlyFile | null;

  @ApiProperty({ type: [String], description: 'SHA-256 of each id as it was stored.' })
  installations!: string[];

  @ApiProperty({
    ...{ type: 'object', additionalProperties: { type: 'string' } },
    selfRequired: false,
    description: 'What is left elsewhere, as in backups, and for how long.',
  })
  remains?: object;

  @ApiProperty({ description: 'The version of Muster that did it.' })
  software!: string;
}

class AddendumOfErasure {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ description: 'SHA-256 of the canonical JSON of the statement, in hex.' })
  certificate!: string;

  @ApiProperty()
  redisAppendOnlyFile!: AppendOnlyFile;

  @ApiProperty({ description: 'The version of Muster that signed it.' })
  software!: string;
}

class SignatureOfErasure {
  @ApiProperty({ enum: ['Ed25519'] })
  algorithm!: 'Ed25519';

  @ApiProperty({ description: 'Which key it was.' })
  keyId!: string;

  @ApiProperty({ description: 'In base64.' })
  value!: string;
}

class SignedAddendum {
  @ApiProperty()
  statement!: AddendumOfErasure;

  @ApiProperty()
  signature!: SignatureOfErasure;
}

/** A statement with its signature, over the UTF-8 of its JSON with keys in order (RFC 8785). */
export class SignedCertificate {
  @ApiProperty()
  statement!: StatementOfErasure;

  @ApiProperty()
  signature!: SignatureOfErasure;

  @ApiProperty({
    type: SignedAddendum,
    required: false,
    description: 'What became known after it was signed.',
  })
  addendum?: SignedAddendum;
}
