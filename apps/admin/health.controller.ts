import { Controller, Get, Res } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { QueueInspector, StoreClock } from '#queue';
import { Database } from '#storage';
import { Health, type Dependency } from './answers/installations.js';
import { Open } from './gatekeeper.js';
import { PublicKey } from './public-key.js';
import { Documented } from './reference/documented.js';

/** A probe that takes longer is as bad as one that fails. */
const PROBE_MS = 800;

/** What needs no token. */
@Controller()
export class HealthController {
  constructor(
    private readonly database: Database,
    private readonly inspector: QueueInspector,
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

  /** The database answers and is migrated; `failing` names what does not answer. */
  @Get('health/ready')
  @Open()
  @Documented({ summary: 'Whether the database answers and is migrated', answer: Health })
  @ApiResponse({ status: 503, type: Health, description: 'It does not.' })
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const checks: [Dependency, Promise<void>][] = [
      ['postgres', this.database.check(PROBE_MS)],
      ['redis', this.inspector.check(PROBE_MS)],
    ];
    const results = await Promise.allSettled(checks.map(([, check]) => check));
    const failing = checks.flatMap(([dependency], at) =>
      results[at]?.status === 'rejected' ? [dependency] : [],
    );
    // Without Redis, erasures and everything else but the queue still work.
    const isReady = !failing.includes('postgres');
    const health: Health = {
      status: isReady ? 'ok' : 'unavailable',
      ...(failing.length > 0 && { failing }),
      ...this.clock.trouble,
    };
    void reply.status(isReady ? 200 : 503).send(health);
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
