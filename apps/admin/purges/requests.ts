import 'reflect-metadata';
import { IsBoolean, IsDate, Matches } from 'class-validator';
import type { PurgeScope } from '#storage';
import { check, fieldsOf, readMoment } from '../requests.js';

const WRONG_KEY = 'key must be the id of a write key, or the first 16 digits of its SHA-256';
const WRONG_TIME = '$property must be a time such as 2026-01-31T12:00:00Z';
const WRONG_DRY_RUN = 'dryRun must be true (only look) or false (remove)';

/** `POST /v1/purges`. Whether it removes anything must be said, so that no misspelt word does. */
export class PurgeBody {
  @Matches(/^([0-9a-f]{16}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/, { message: WRONG_KEY })
  key: unknown;
  @IsDate({ message: WRONG_TIME }) from: Date | undefined;
  @IsDate({ message: WRONG_TIME }) to: Date | undefined;
  @IsBoolean({ message: WRONG_DRY_RUN }) dryRun: unknown;

  constructor(body: Record<string, unknown>) {
    this.key = body.key;
    this.from = readMoment(body.from);
    this.to = readMoment(body.to);
    this.dryRun = body.dryRun;
  }
}

/** @throws AdminError that says which field is wrong, and why */
export function readPurgeBody(
  body: unknown,
): Omit<PurgeScope, 'keyId'> & { key: string; isDryRun: boolean } {
  const fields = check(new PurgeBody(fieldsOf(body)));
  return {
    key: fields.key as string,
    from: (fields.from as Date).toISOString(),
    to: (fields.to as Date).toISOString(),
    isDryRun: fields.dryRun === true,
  };
}
