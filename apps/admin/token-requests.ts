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
import { adminScopes, scopeMeanings, type AdminScope } from '#storage';
import { AdminError } from './errors.js';
import { check, fieldsOf } from './requests.js';

const meanings = Object.entries(scopeMeanings)
  .map(([scope, meaning]) => `\`${scope}\`: ${meaning}`)
  .join('; ');

const NAME = /^[\w.-]{1,64}$/;

/** `POST /v1/tokens`. */
export class TokenBody {
  @Matches(NAME, { message: '$property must be 1 to 64 letters, digits, or the characters _ . -' })
  name: unknown;
  @ApiProperty({ description: `Defaults to all scopes of the caller. ${meanings}.` })
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @IsIn(adminScopes, { each: true })
  scopes: unknown;
  @ApiProperty({ description: 'Days until the token expires; it never expires when omitted.' })
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

/** Whether a token may have this name. */
export function isTokenName(text: string): boolean {
  return NAME.test(text);
}

/** The audit log's names for processes, which have no token. */
const RESERVED = ['installation', 'ledger', 'start'];

/** Reads the name, scopes and lifetime of a new token. @throws AdminError */
export function readTokenBody(body: unknown) {
  const { name, scopes, days } = check(new TokenBody(fieldsOf(body)));
  if (RESERVED.includes((name as string).toLowerCase())) {
    const message = `name must not be ${RESERVED.join(', ')}: these are reserved for the audit log.`;
    throw new AdminError('invalid_request', message, 'name');
  }
  return {
    name: name as string,
    scopes: scopes as AdminScope[] | undefined,
    days: days as number | undefined,
  };
}
