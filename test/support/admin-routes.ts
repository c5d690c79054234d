import { readFile } from 'node:fs/promises';
import {
  routesOf,
  type OpenApiDocument,
  type Route,
  type Schema,
} from '../../tools/docs/document.js';

/** The OpenAPI document of the admin API. */
export const adminDocument = JSON.parse(
  await readFile('docs/reference/admin.openapi.json', 'utf8'),
) as OpenApiDocument;

/** Its routes, without the dashboard, which is bull-board's. */
export const adminRoutes: Route[] = routesOf(adminDocument).filter(
  ({ path }) => !path.startsWith('/queues'),
);

const boardRoute = (path: string, names: readonly string[] = []): Route => ({
  method: 'GET',
  path: `/queues${path}`,
  operation: {
    responses: {},
    parameters: names.map((name) => ({ name, in: 'query', schema: {} })),
  },
});

/** The routes of the dashboard that read. */
export const dashboardRoutes: Route[] = [
  boardRoute('/queue/{queueName}/{jobId}'),
  boardRoute('/static/{file}'),
  boardRoute('/api/redis/stats'),
  boardRoute('/api/queues', ['activeQueue', 'status', 'page', 'jobsPerPage']),
  boardRoute('/api/job-schedulers', ['queueName']),
  ...['metrics', 'default-job-options', 'workers', 'rate-limit', 'job-data-schema'].map((name) =>
    boardRoute(`/api/queues/envelopes/${name}`),
  ),
  boardRoute('/api/queues/{queueName}/metrics'),
  boardRoute('/api/queues/envelopes/{jobId}'),
  boardRoute('/api/queues/envelopes/{jobId}/logs'),
  boardRoute('/api/queues/envelopes/{jobId}/flow', ['root', 'depth', 'maxChildren']),
];

export const isWrite = ({ method }: Route) => method !== 'GET';

export function queryNames({ operation }: Route): string[] {
  return (operation.parameters ?? []).filter((it) => it.in === 'query').map(({ name }) => name);
}

/** The schema of the JSON body that a route accepts; undefined where it accepts none. */
export function bodySchema({ operation }: Route): Schema | undefined {
  const schema = operation.requestBody?.content['application/json']?.schema;
  return schema && resolve(schema);
}

export function resolve(schema: Schema): Schema {
  const name = schema.$ref?.split('/').at(-1);
  return name === undefined ? schema : (adminDocument.components.schemas[name] ?? {});
}
