import { type DynamicModule, Module } from '@nestjs/common';
import type { IngestSettings } from '#platform';
import { EnvelopeWriter } from '#queue';
import type { Products } from '#telemetry';
import { EventsController } from './events.controller.js';
import { HealthController } from './health.controller.js';
import { Intake } from './intake.js';
import { OctopusController } from './octopus.controller.js';
import { PosthogController } from './posthog.controller.js';
import { PreviewController, Previewer } from './preview.controller.js';
import { SegmentController } from './segment.controller.js';
import type { WriteKeys } from './write-keys.js';

export const controllers = [
  EventsController,
  SegmentController,
  PosthogController,
  OctopusController,
  PreviewController,
  HealthController,
];

/** The edge: speaks the clients' dialects, and hands their events to the queue. */
@Module({})
export class IngestModule {
  static with(
    settings: IngestSettings,
    keys: WriteKeys,
    writer: EnvelopeWriter,
    products: Products,
  ): DynamicModule {
    return {
      module: IngestModule,
      controllers,
      providers: [
        { provide: EnvelopeWriter, useValue: writer },
        { provide: Intake, useValue: new Intake(keys, writer, settings) },
        { provide: Previewer, useValue: new Previewer(products, settings.retentionDays) },
      ],
    };
  }
}
