import { ApiProperty, OmitType } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayNotEmpty, IsArray, IsIn, IsOptional, IsUUID } from 'class-validator';
import {
  erasureModes,
  erasureStates,
  type Erasure,
  type ErasureMode,
  type ErasureState,
  type LedgerPlace,
  type LogState,
} from '#storage';
import { DryRunBody, DryRunQuery } from '../http/dry-run.js';
import { nextPage, Page, rowsByTable, Text, time } from '../http/fields.js';

const MAX_INSTALLATIONS = 10_000;
/** Longer than any cloud resource name. */
const MAX_ID = 2000;

/** `DELETE /v1/installations/{id}`: the query. */
export class EraseOneQuery extends DryRunQuery {
  @IsOptional() @IsIn(erasureModes) mode?: ErasureMode;
}

/** `DELETE /v1/installations/{id}`: the body. */
export class EraseOneBody extends DryRunBody {
  @IsOptional() @IsIn(erasureModes) mode?: ErasureMode;
}

/** `POST /v1/erasures`. */
export class ErasureBody extends DryRunBody {
  @IsOptional() @IsIn(erasureModes) mode?: ErasureMode;
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MAX_INSTALLATIONS)
  @Text(MAX_ID, { each: true })
  installationIds!: string[];
}

/** `GET /v1/erasures`. */
export class ErasureQuery {
  @IsOptional() @IsIn(erasureStates) state?: ErasureState;
  @IsOptional() @Text(MAX_ID) installationId?: string;
  @IsOptional()
  @IsUUID(undefined, { message: 'after must be the id of an erasure' })
  after?: string;
  @Page(500) limit = 50;
}

/** A position in the erasure ledger, which is stored outside the database. */
export class PlaceInLedger implements LedgerPlace {
  @ApiProperty({ type: 'integer', description: 'The number of the entry.' })
  sequence!: number;

  @ApiProperty({ description: 'SHA-256 of the entry, in hex.' })
  hash!: string;
}

/** The state of Redis' append-only file, which contains removed jobs until Redis rewrites it. */
export class AppendOnlyFile implements LogState {
  @ApiProperty({
    enum: ['rewritten', 'pending', 'off', 'not_permitted'],
    description:
      '`pending`: the result follows as an addendum. `off`: Redis has no append-only file. `not_permitted`: Redis does not permit the rewrite.',
  })
  state!: LogState['state'];

  @ApiProperty(time({ nullable: true }))
  rewrittenAt!: string | null;
}

/** An erasure and its progress. */
export class ErasureProgress implements Erasure {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ enum: erasureModes })
  mode!: ErasureMode;

  @ApiProperty({ enum: erasureStates })
  state!: ErasureState;

  @ApiProperty({ type: 'integer', description: 'Number of installations.' })
  installations!: number;

  @ApiProperty(time())
  requestedAt!: string;

  @ApiProperty(time({ nullable: true }))
  suppressedAt!: string | null;

  @ApiProperty(time({ nullable: true }))
  erasedAt!: string | null;

  @ApiProperty(time({ nullable: true }))
  completedAt!: string | null;

  @ApiProperty(rowsByTable({ description: 'Rows removed, by table.' }))
  removed!: Record<string, number>;

  @ApiProperty(
    rowsByTable({
      nullable: true,
      description: 'Rows found after the removal, by table; always 0.',
    }),
  )
  verified!: Record<string, number> | null;

  @ApiProperty({
    type: PlaceInLedger,
    nullable: true,
    description: 'The latest ledger entry of the erasure.',
  })
  ledger!: PlaceInLedger | null;

  @ApiProperty(
    time({
      nullable: true,
      description:
        'When the erasure was applied again from the ledger, because a restored database had lost it.',
    }),
  )
  reappliedAt!: string | null;

  @ApiProperty({
    type: AppendOnlyFile,
    nullable: true,
    description: 'Null when nothing was removed from the queue.',
  })
  redisAppendOnlyFile!: AppendOnlyFile | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'Why the last attempt failed.' })
  failure!: string | null;
}

export class OneErasure {
  @ApiProperty()
  erasure!: ErasureProgress;
}

/** The requested erasure; for a dry run, the number of rows it would remove. */
export class ErasureOrCount {
  @ApiProperty({ required: false })
  erasure?: ErasureProgress;

  @ApiProperty({ required: false, description: 'True when nothing was erased, only counted.' })
  dryRun?: boolean;

  @ApiProperty(
    rowsByTable({ required: false, description: 'Rows that the erasure would remove, by table.' }),
  )
  rows?: Record<string, number>;
}

/** Erasures, newest first. */
export class ErasurePage {
  @ApiProperty({ type: [ErasureProgress] })
  erasures!: ErasureProgress[];

  @ApiProperty(nextPage())
  next!: string | null;
}

const SINCE_LEDGER = ['ledger', 'reappliedAt', 'redisAppendOnlyFile'] as const;

/** The erasure at completion. Installations are identified by hash. */
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

  @ApiProperty({ type: [String], description: 'SHA-256 of each installation id as stored.' })
  installations!: string[];

  @ApiProperty({
    ...{ type: 'object', additionalProperties: { type: 'string' } },
    selfRequired: false,
    description: 'Where data may remain, such as in backups, and for how long.',
  })
  remains?: object;

  @ApiProperty({ description: 'The version of Muster that erased the data.' })
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

  @ApiProperty({ description: 'The id of the signing key.' })
  keyId!: string;

  @ApiProperty({ description: 'The signature, in base64.' })
  value!: string;
}

class SignedAddendum {
  @ApiProperty()
  statement!: AddendumOfErasure;

  @ApiProperty()
  signature!: SignatureOfErasure;
}

/** A statement and its signature over the statement's canonical JSON (RFC 8785), in UTF-8. */
export class SignedCertificate {
  @ApiProperty()
  statement!: StatementOfErasure;

  @ApiProperty()
  signature!: SignatureOfErasure;

  @ApiProperty({
    type: SignedAddendum,
    required: false,
    description: 'What became known after the certificate was signed.',
  })
  addendum?: SignedAddendum;
}
