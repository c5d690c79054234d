import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { StoreClock } from '#queue';
import { LedgerGuard } from './ledger-guard.js';
import { Watchdog } from './watchdog.js';
import { WorkerLoop } from './worker-loop.js';

/** Kubernetes and others time out after one second. */
const CHECK_LIMIT_MS = 900;

@Controller('health')
export class HealthController {
  constructor(
    private readonly loop: WorkerLoop,
    private readonly watchdog: Watchdog,
    private readonly guard: LedgerGuard,
    private readonly clock: StoreClock,
  ) {}

  /** The process responds. Reports loops that make no progress. */
  @Get('live')
  live() {
    return { status: 'ok', ...this.troubles() };
  }

  /**
   * Redis and Postgres respond in time, jobs are completed, and no loop is stuck. Also reports a problem of the erasure
   * ledger.
   */
  @Get('ready')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const checks = Object.entries(this.loop.dependencies());
    const late = sleep(CHECK_LIMIT_MS, 'unavailable', { ref: false });
    const states = await Promise.all(
      checks.map(async ([name, state]) => [name, await Promise.race([state, late])] as const),
    );
    const isStuck = this.watchdog.stuck.length > 0;
    const isReady = !isStuck && states.every(([, state]) => state === 'ok');
    const { problem: erasureLedger } = this.guard;
    void reply.status(isReady ? 200 : 503).send({
      status: isReady ? 'ok' : 'unavailable',
      dependencies: Object.fromEntries(states),
      ...this.troubles(),
      ...(erasureLedger !== null && { erasureLedger }),
    });
  }

  private troubles() {
    const { stuck } = this.watchdog;
    return { ...(stuck.length > 0 ? { stuck } : {}), ...this.clock.trouble };
  }
}
