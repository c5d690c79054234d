import { Controller, Get, Query } from '@nestjs/common';
import { AdminStore } from '#storage';
import { Scope } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';
import { nextAfter } from '../http/fields.js';
import { AuditPage, AuditQuery } from './audit.dto.js';

@Controller('v1/audit')
export class AuditController {
  constructor(private readonly admins: AdminStore) {}

  @Get()
  @Scope('operations:read')
  @Documented({ summary: 'Lists audit entries', response: AuditPage })
  async list(@Query() query: AuditQuery): Promise<AuditPage> {
    const acts = await this.admins.auditLog(query);
    return { acts, next: nextAfter(acts, query.limit) };
  }
}
