import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
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

export const nameOf = ({ method, path }: Route) => `${method} ${path}`;

/** The installation in the bodies below. */
export const INSTALLATION = randomUUID();

/** A valid body for each route that requires one. */
export const validBodies: Record<string, object> = {
  'POST /v1/erasures': { installationIds: [INSTALLATION] },
  'POST /v1/keys': { product: 'dcos' },
  'PATCH /v1/products/{product}': { retentionDays: 1 },
  'POST /v1/tokens': { name: 'another' },
  'POST /v1/blocks': { product: 'dcos', event: 'health' },
  'POST /v1/purges': {
    ...{ key: '0'.repeat(16), dryRun: false },
    ...{ from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' },
  },
  'POST /v1/quarantine/replays': {},
  'POST /v1/quarantine/discards': { all: true },
};

/** Selects all state that a write of an administrator can change. */
export const SELECT_STATE = `
  SELECT (SELECT json_agg(e ORDER BY erasure_id) FROM erasure e) AS erasures,
         (SELECT json_agg(s ORDER BY installation_hash) FROM suppression s) AS suppressions,
         (SELECT json_agg(t ORDER BY token_id) FROM admin_token t) AS tokens,
         (SELECT json_agg(k ORDER BY key_id) FROM ingest_key k) AS keys,
         (SELECT json_agg(p ORDER BY product) FROM product_policy p) AS products,
         (SELECT json_agg(b ORDER BY block_id) FROM block_rule b) AS blocks,
         (SELECT json_agg(q ORDER BY job_id) FROM quarantine_job q) AS jobs,
         (SELECT json_agg(p) FROM purge p) AS purges,
         (SELECT json_agg(p) FROM policy_revision p) AS revisions,
         (SELECT count(*) FROM audit_log) AS audited`;

/** What every response of the admin API has in its head. */
export const securityHeaders = {
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'x-request-id': expect.stringMatching(/^[\w-]{36}$/),
};
