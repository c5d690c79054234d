import { ApiProperty, OmitType } from '@nestjs/swagger';
import {
  erasureModes,
  erasureStates,
  type Erasure,
  type ErasureCertificate,
  type ErasureMode,
  type ErasureState,
} from '#storage';
import { rowsByTable, time } from './fields.js';

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

/** The erasure as it was when it was complete; its installations by their hashes. */
class StatementOfErasure extends OmitType(ErasureProgress, ['state', 'failure', 'installations']) {
  @ApiProperty({ type: [String], description: 'SHA-256 of each id as it was stored.' })
  installations!: string[];

  @ApiProperty({ description: 'The version of Muster that did it.' })
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

/** A statement with its signature, over the UTF-8 of its JSON with keys in order (RFC 8785). */
export class SignedCertificate implements ErasureCertificate {
  @ApiProperty()
  statement!: StatementOfErasure;

  @ApiProperty()
  signature!: SignatureOfErasure;
}
