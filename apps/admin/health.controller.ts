import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { AdminStore } from '#storage';
import { PublicKey } from './public-key.js';

/** What needs no token. */
@Controller()
export class HealthController {
  constructor(
    private readonly admins: AdminStore,
    private readonly publicKey: PublicKey,
  ) {}

  /** The process answers. */
  @Get('health/live')
  live() {
    return { status: 'ok' };
  }

  /** The database answers and is migrated. */
  @Get('health/ready')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const isReady = await this.admins.check().then(
      () => true,
      () => false,
    );
    void reply.status(isReady ? 200 : 503).send({ status: isReady ? 'ok' : 'unavailable' });
  }

  /** What certificates are checked with, in PEM. */
  @Get('v1/erasure-key')
  key(@Res() reply: FastifyReply): void {
    void reply.header('content-type', 'application/x-pem-file').send(this.publicKey.pem);
  }
}
