import { Readable } from 'node:stream';
import { Controller, Get, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { AdminStore, InstallationData, type Administrator } from '#storage';
import { InstallationSummary } from './installations.dto.js';
import { Caller, Scope } from '../http/auth.guard.js';
import { InstallationIds } from './installation-ids.js';
import { Documented } from '../http/documented.js';

@Controller('v1/installations')
export class InstallationsController {
  constructor(
    private readonly data: InstallationData,
    private readonly admins: AdminStore,
    private readonly ids: InstallationIds,
  ) {}

  @Get(':installationId')
  @Scope('installations:read')
  @Documented({
    summary: 'Counts the rows stored about an installation',
    response: InstallationSummary,
    refuses: ['invalid_request'],
  })
  async summary(
    @Param('installationId') raw: string,
    @Caller() caller: Administrator,
  ): Promise<InstallationSummary> {
    const { installationId, formerIds } = this.ids.find(raw);
    await this.record(caller, 'installation.summary', installationId);
    const summary = await this.data.summary([installationId, ...formerIds]);
    return { installationId, ...summary };
  }

  @Get(':installationId/export')
  @Scope('installations:read')
  @Documented({
    summary: 'Exports every row stored about an installation',
    response: {
      contentType: 'application/x-ndjson',
      about: 'One row per line: `{"view": "health_readings", "row": {…}}`.',
    },
    refuses: ['invalid_request'],
  })
  async export(
    @Param('installationId') raw: string,
    @Caller() caller: Administrator,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { installationId, formerIds } = this.ids.find(raw);
    await this.record(caller, 'installation.export', installationId);
    const lines = async function* (rows: AsyncIterable<object>) {
      for await (const row of rows) yield `${JSON.stringify(row)}\n`;
    };
    const stream = Readable.from(lines(this.data.rows([installationId, ...formerIds])));
    await reply.header('content-type', 'application/x-ndjson').send(stream);
  }

  private async record(actor: Administrator, act: string, installationId: string) {
    await this.admins.record({ actor, act, outcome: 'done', installationId });
  }
}
