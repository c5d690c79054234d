import 'reflect-metadata';
import { ApiProperty } from '@nestjs/swagger';
import {
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsNumber,
  IsOptional,
  IsPositive,
  Matches,
  Max,
} from 'class-validator';
import { adminScopes, type AdminScope } from '#storage';
import { AdminError } from './errors.js';
import { check, fieldsOf } from './requests.js';

/** `POST /v1/tokens`. */
export class TokenBody {
  @Matches(/^[\w.-]{1,64}$/, { message: '$property must be 1 to 64 letters, digits or _ . -' })
  name: unknown;
  @ApiProperty({ description: 'All that the asker has, where nothing is said.' })
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @IsIn(adminScopes, { each: true })
  scopes: unknown;
  @ApiProperty({ description: 'For how long it works; for good, where nothing is said.' })
  @IsOptional()
  @IsNumber()
  @IsPositive()
  @Max(36_500)
  days: unknown;

  constructor(body: Record<string, unknown>) {
    this.name = body.name;
    this.scopes = body.scopes ?? undefined;
    this.days = body.days ?? undefined;
  }
}

/** Under these names the audit log knows who is no administrator. */
const RESERVED = ['installation', 'start'];

/** Whom a token is for, what it may do (all that the asker may, where nothing is said), how long. */
export function readTokenBody(body: unknown) {
  const { name, scopes, days } = check(new TokenBody(fieldsOf(body)));
  if (RESERVED.includes(name as string)) {
    const message = `name must be none of ${RESERVED.join(', ')}, which the audit log uses.`;
    throw new AdminError('invalid_request', message, 'name');
  }
  return {
    name: name as string,
    scopes: scopes as AdminScope[] | undefined,
    days: days as number | undefined,
  };
}
