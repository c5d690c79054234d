/** Prints the OpenAPI document of ingest: its routes from the code, their bodies from `routes.ts`. */
import 'reflect-metadata';
import './routes.js';
import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { runProcess } from '#platform';
import { controllers } from '../ingest.module.js';
import { KEY_SCHEMES } from './describe.js';
import { schemas } from './schemas.js';

@Module({})
class Routes {
  /** The routes, without working services. */
  static asModule(): DynamicModule {
    const needed = controllers.flatMap(
      (controller) => (Reflect.getMetadata('design:paramtypes', controller) ?? []) as Type[],
    );
    const providers = [...new Set(needed)].map((provide) => ({ provide, useValue: {} }));
    return { module: Routes, controllers, providers };
  }
}

const INFO = new DocumentBuilder()
  .setOpenAPIVersion('3.1.0')
  .setTitle('Muster ingest API')
  .setDescription(
    'Every request with events needs a write key. Where authentication is optional (`{}`), the key may be in the body instead. Bodies may be compressed (`Content-Encoding: gzip`, `deflate`, `br`). See docs/api.md.',
  )
  .setVersion('1')
  .addServer('https://localhost:8443')
  .addSecurity(KEY_SCHEMES.bearer, {
    ...{ type: 'http', scheme: 'bearer', description: 'The write key.' },
  })
  .addSecurity(KEY_SCHEMES.basic, {
    ...{ type: 'http', scheme: 'basic', description: 'The write key as the user name.' },
  })
  .addSecurity(KEY_SCHEMES.query, {
    ...{ type: 'apiKey', in: 'query', name: 'writeKey' },
    description: 'The write key, for browser beacons, which cannot set headers.',
  })
  .build();

runProcess(
  async () => {
    const app = await NestFactory.create(
      Routes.asModule(),
      new FastifyAdapter({ skipMiddie: true }),
      {
        logger: false,
        abortOnError: false,
      },
    );
    const document = SwaggerModule.createDocument(app, INFO);
    Object.assign(document.components ?? {}, { schemas });
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    return { stop: () => Promise.resolve() };
  },
  { name: 'docs' },
);
