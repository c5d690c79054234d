import { type DynamicModule, Module } from '@nestjs/common';
import { Drain, HttpServers, type IngestSettings } from '#platform';
import { EnvelopeWriter, PolicyFollower, StoreClock, type RateLimiter } from '#queue';
import type { Products } from '#telemetry';
import type { EdgePolicy } from './edge-policy.js';
import { EventsController } from './events.controller.js';
import { HealthController } from './health.controller.js';
import { Intake } from './intake.js';
import { Limits } from './limits.js';
import { OctopusController } from './octopus.controller.js';
import { PosthogController } from './posthog.controller.js';
import { PreviewController, Previewer } from './preview.controller.js';
import { SegmentController } from './segment.controller.js';
import { Refusals } from './refusals.js';
import type { WriteKeys } from './write-keys.js';

export const controllers = [
  EventsController,
  SegmentController,
  PosthogController,
  OctopusController,
  PreviewController,
  HealthController,
];
export interface IngestParts {
  keys: WriteKeys;
  clock: StoreClock;
  policy: EdgePolicy;
  writer: EnvelopeWriter;
  limiter: RateLimiter;
  follower: PolicyFollower;
  refusals: Refusals;
  products: Products;
  drain: Drain;
  servers: HttpServers;
}

/** Accepts events in the clients' dialects, and enqueues them. */
@Module({})
export class IngestModule {
  static with(settings: IngestSettings, parts: IngestParts): DynamicModule {
    const { clock, policy, writer, limiter, follower, refusals, products, drain, servers } = parts;
    const intake = new Intake({ ...parts, limits: new Limits(limiter, policy), settings });
    return {
      module: IngestModule,
      controllers,
      providers: [
        { provide: EnvelopeWriter, useValue: writer },
        { provide: StoreClock, useValue: clock },
        { provide: Drain, useValue: drain },
        { provide: HttpServers, useValue: servers },
        { provide: PolicyFollower, useValue: follower },
        { provide: Refusals, useValue: refusals },
        { provide: Intake, useValue: intake },
        { provide: Previewer, useValue: new Previewer(products, settings, policy) },
      ],
    };
  }
}
