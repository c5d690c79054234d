import { Controller, Get, Query } from '@nestjs/common';
import { IsOptional, Matches } from 'class-validator';
import { AdminStore } from '#storage';
import { AuditPage } from './audit.dto.js';
import { Scope } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';
import { check, Page, readCount } from '../http/validation.js';

/** `GET /v1/audit`. A bigint of Postgres has 19 digits. */
export class AuditQuery {
  @IsOptional()
  @Matches(/^\d{1,18}$/, { message: 'after must be the id of an audit entry' })
  after: string | undefined;
  @Page(500) limit: number;

  constructor(query: Record<string, unknown>) {
    this.after = query.after as string | undefined;
    this.limit = readCount(query.limit, 50);
  }
}

@Controller('v1/audit')
export class AuditController {
  constructor(private readonly admins: AdminStore) {}

  @Get()
  @Scope('operations:read')
  @Documented({ summary: 'Lists audit entries', query: AuditQuery, response: AuditPage })
  async list(@Query() query: Record<string, unknown>): Promise<AuditPage> {
    const page = check(new AuditQuery(query));
    const acts = await this.admins.acts(page);
    return { acts, next: acts.length === page.limit ? (acts.at(-1)?.id ?? null) : null };
  }
}
