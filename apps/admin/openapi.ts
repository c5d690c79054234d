/** Prints the OpenAPI document of the admin API, from its code. */
import 'reflect-metadata';
import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DocumentBuilder, getSchemaPath, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { runProcess } from '#platform';
import { controllers } from './admin.module.js';
import { statusOf } from './http/errors.js';
import { DASHBOARD_PATH, DASHBOARD_SCOPE } from './operations/queue-dashboard.js';
import { CSV, Refusal, TOKEN_SCHEME } from './http/documented.js';

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

const BROWSER_SCHEME = 'browser';

const INFO = new DocumentBuilder()
  .setOpenAPIVersion('3.1.0')
  .setTitle('Muster admin API')
  .setDescription('For the operators of Muster. See docs/admin.md.')
  .setVersion('1')
  .addServer('https://localhost:8444')
  .addBearerAuth(
    {
      type: 'http',
      scheme: 'bearer',
      description:
        'An administrator’s token. Each route lists the scopes it accepts; the token needs one of them.',
    },
    TOKEN_SCHEME,
  )
  .addBasicAuth(
    {
      type: 'http',
      scheme: 'basic',
      description: 'The token as the password, with any user name. Only for the dashboard.',
    },
    BROWSER_SCHEME,
  )
  .build();

/** Served by bull-board, so Nest does not know the route. */
const DASHBOARD = {
  summary: 'Queue dashboard',
  description: 'A read-only page for browsers. The contents of jobs are hidden.',
  tags: ['Queue'],
  responses: {
    200: { description: 'The page.', content: { 'text/html': { schema: { type: 'string' } } } },
    ...Object.fromEntries(
      (['unauthorized', 'forbidden', 'too_many_attempts', 'unavailable'] as const).map((code) => [
        statusOf[code],
        {
          description: code,
          content: { 'application/json': { schema: { $ref: getSchemaPath(Refusal) } } },
        },
      ]),
    ),
  },
  security: [{ [TOKEN_SCHEME]: [DASHBOARD_SCOPE] }, { [BROWSER_SCHEME]: [DASHBOARD_SCOPE] }],
} satisfies OpenAPIObject['paths'][string]['get'];

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
    for (const content of bodiesOf(document)) {
      // Nest gives all media types of a body the schema of its class.
      if (content[CSV]) content[CSV].schema = { type: 'string' };
    }
    document.paths[DASHBOARD_PATH] = { get: DASHBOARD };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    return { stop: () => Promise.resolve() };
  },
  { name: 'docs' },
);

/** The content of each request body. */
function bodiesOf({ paths }: OpenAPIObject) {
  return Object.values(paths)
    .flatMap(({ get, post, patch, delete: remove }) => [get, post, patch, remove])
    .flatMap((operation) => {
      const body = operation?.requestBody;
      return body && 'content' in body ? [body.content] : [];
    });
}
