/** Prints the OpenAPI document of the admin API, from its code. */
import 'reflect-metadata';
import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { runProcess } from '#platform';
import { controllers } from '../admin.module.js';
import { TOKEN_SCHEME } from './documented.js';

@Module({})
class Routes {
  /** The routes, with nothing behind them. */
  static only(): DynamicModule {
    const needed = controllers.flatMap(
      (controller) => (Reflect.getMetadata('design:paramtypes', controller) ?? []) as Type[],
    );
    const providers = [...new Set(needed)].map((provide) => ({ provide, useValue: {} }));
    return { module: Routes, controllers, providers };
  }
}

const INFO = new DocumentBuilder()
  .setOpenAPIVersion('3.1.0')
  .setTitle('Muster: administering')
  .setDescription('The API of the few people who run the telemetry of a fleet. See docs/admin.md.')
  .setVersion('1')
  .addServer('https://localhost:8444')
  .addBearerAuth(
    {
      type: 'http',
      scheme: 'bearer',
      description: 'An administrator’s token; each route names the scopes of which it needs one.',
    },
    TOKEN_SCHEME,
  )
  .build();

runProcess(
  async () => {
    const app = await NestFactory.create(Routes.only(), new FastifyAdapter({ skipMiddie: true }), {
      logger: false,
      abortOnError: false,
    });
    const document = SwaggerModule.createDocument(app, INFO);
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    return { stop: () => Promise.resolve() };
  },
  { name: 'docs' },
);
