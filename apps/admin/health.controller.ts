import { Controller, Get, Res } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { StoreClock } from '#queue';
import { Database } from '#storage';
import { Health } from './answers/installations.js';
import { Open } from './gatekeeper.js';
import { PublicKey } from './public-key.js';
import { Documented } from './reference/documented.js';

/** What needs no token. */
@Controller()
export class HealthController {
  constructor(
    private readonly database: Database,
    private readonly publicKey: PublicKey,
    private readonly clock: StoreClock,
  ) {}

  /** The process answers. */
  @Get('health/live')
  @Open()
  @Documented({ summary: 'Whether the process answers', answer: Health })
  live(): Health {
    return { status: 'ok', ...this.clock.trouble };
  }

  /** The database answers and is migrated. */
  @Get('health/ready')
  @Open()
  @Documented({ summary: 'Whether the database answers and is migrated', answer: Health })
  @ApiResponse({ status: 503, type: Health, description: 'It does not.' })
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const isReady = await this.database.check().then(
      () => true,
      () => false,
    );
    const status = isReady ? 'ok' : 'unavailable';
    void reply.status(isReady ? 200 : 503).send({ status, ...this.clock.trouble });
  }

  /** What certificates are checked with, in PEM. */
  @Get('v1/erasure-key')
  @Open()
  @Documented({
    summary: 'The key that certificates are checked with',
    answer: { contentType: 'application/x-pem-file', about: 'The public key, in PEM.' },
  })
  key(@Res() reply: FastifyReply): void {
    void reply.header('content-type', 'application/x-pem-file').send(this.publicKey.pem);
  }
}
