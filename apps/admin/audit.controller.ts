import { Controller, Get, Query } from '@nestjs/common';
import { AdminStore } from '#storage';
import { Scope } from './gatekeeper.js';
import { readAuditQuery } from './requests.js';

/** What was done, and by whom. */
@Controller('v1/audit')
export class AuditController {
  constructor(private readonly admins: AdminStore) {}

  /** Newest first. */
  @Get()
  @Scope('operations:read')
  async list(@Query() query: Record<string, unknown>) {
    const page = readAuditQuery(query);
    const acts = await this.admins.acts(page);
    return { acts, next: acts.length === page.limit ? (acts.at(-1)?.id ?? null) : null };
  }
}
