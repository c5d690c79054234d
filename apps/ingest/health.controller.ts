import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Drain, HttpServers } from '#platform';
import { EnvelopeWriter, PolicyFollower, QueueUnavailable, StoreClock } from '#queue';

@Controller('health')
export class HealthController {
  constructor(
    private readonly writer: EnvelopeWriter,
    private readonly policy: PolicyFollower,
    private readonly drain: Drain,
    private readonly servers: HttpServers,
    private readonly clock: StoreClock,
  ) {}

  /** The process answers. */
  @Get('live')
  live() {
    return { status: 'ok', ...this.clock.trouble };
  }

  /**
   * An event sent now would be taken: the last write to Redis succeeded, or a probe of the same kind does, and the
   * write keys are known. An expired certificate is reported, and does not make ingest unready: agents that do not
   * check it are still served.
   */
  @Get('ready')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const about = { certificate: this.servers.certificateValidity(), ...this.clock.trouble };
    if (this.drain.isDraining) {
      void reply.status(503).send({ status: 'unavailable', reason: 'draining', ...about });
      return;
    }
    const redis = await this.writer.check().then(
      () => 'ok',
      (error: unknown) => (error instanceof QueueUnavailable ? error.reason : 'unreachable'),
    );
    const policy = this.policy.state === 'unread' ? 'policy_unread' : 'ok';
    const dependencies = { redis, policy };
    const reason = redis !== 'ok' ? redis : this.policy.hasRead ? 'ok' : policy;
    if (reason === 'ok') void reply.send({ status: 'ok', dependencies, ...about });
    else void reply.status(503).send({ status: 'unavailable', reason, dependencies, ...about });
  }
}
