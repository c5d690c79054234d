import { Controller, Get, Res } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Drain, HttpServers } from '#platform';
import { QueueInspector, StoreClock } from '#queue';
import { Database } from '#storage';
import { Health, type Dependency } from './health.dto.js';
import { Public } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';

/** Below the usual probe timeout of one second. */
const PROBE_MS = 800;

/** The public key that verifies certificates, in PEM. */
export class PublicKey {
  constructor(readonly pem: string) {}
}

/** The routes without authentication. */
@Controller()
export class HealthController {
  constructor(
    private readonly database: Database,
    private readonly inspector: QueueInspector,
    private readonly publicKey: PublicKey,
    private readonly clock: StoreClock,
    private readonly drain: Drain,
    private readonly servers: HttpServers,
  ) {}

  @Get('health/live')
  @Public()
  @Documented({ summary: 'Liveness: the process responds', response: Health })
  live(): Health {
    return { status: 'ok', ...this.clock.trouble };
  }

  @Get('health/ready')
  @Public()
  @Documented({ summary: 'Readiness: the database responds and is migrated', response: Health })
  @ApiResponse({
    status: 503,
    type: Health,
    description: 'The database does not respond or is not migrated, or the process is stopping.',
  })
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const about = { certificate: this.servers.certificateValidity(), ...this.clock.trouble };
    if (this.drain.isDraining) {
      const draining: Health = { status: 'unavailable', reason: 'draining', ...about };
      void reply.status(503).send(draining);
      return;
    }
    const checks: [Dependency, Promise<void>][] = [
      ['postgres', this.database.check(PROBE_MS)],
      ['redis', this.inspector.check(PROBE_MS)],
    ];
    const results = await Promise.allSettled(checks.map(([, check]) => check));
    const failing = checks.flatMap(([dependency], at) =>
      results[at]?.status === 'rejected' ? [dependency] : [],
    );
    // Without Redis, everything but the queue routes still works.
    const isReady = !failing.includes('postgres');
    const health: Health = {
      status: isReady ? 'ok' : 'unavailable',
      ...(failing.length > 0 && { failing }),
      ...about,
    };
    void reply.status(isReady ? 200 : 503).send(health);
  }

  @Get('v1/erasure-key')
  @Public()
  @Documented({
    summary: 'Gets the public key that verifies certificates',
    response: { contentType: 'application/x-pem-file', about: 'The public key, in PEM.' },
  })
  key(@Res() reply: FastifyReply): void {
    void reply.header('content-type', 'application/x-pem-file').send(this.publicKey.pem);
  }
}
