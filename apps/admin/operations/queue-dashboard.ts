import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { QueueInspector } from '#queue';
import type { AdminScope } from '#storage';
import { AdminError, errorBody, type ErrorCode, type ErrorFilter } from '../http/errors.js';
import { bearerOf, type AuthGuard } from '../http/auth.guard.js';

export const DASHBOARD_PATH = '/queues';
export const DASHBOARD_SCOPE: AdminScope = 'operations:read';
const HIDDEN = 'hidden: may contain telemetry';

/** The page has inline styles; everything else must come from this host. */
const POLICY = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'referrer-policy': 'no-referrer',
};

/** Largest values of the board's paging. bull-board itself accepts any number. */
const MAX_PAGE = 1_000_000;
const MAX_JOBS_PER_PAGE = 100;

export interface Dashboard {
  inspector: QueueInspector;
  authGuard: AuthGuard;
  errors: ErrorFilter;
}

/**
 * Serves bull-board at /queues, read-only: removing a job would lose acknowledged events. Browsers ask for a
 * token as the password.
 */
export function serveDashboard(fastify: FastifyInstance, dashboard: Dashboard): void {
  const { inspector, errors } = dashboard;
  const board = boardOf(inspector);
  fastify.register(async (scope) => {
    scope.addHook('onRequest', async (request, reply) => {
      void reply.headers(HEADERS);
      try {
        await admit(request, dashboard);
      } catch (error) {
        // If it were thrown, bull-board would send its own response.
        void reply.header('www-authenticate', 'Basic realm="muster", charset="UTF-8"');
        await errors.send(error, reply);
        return reply;
      }
    });
    scope.addHook('preSerialization', (_request, reply, payload, done) => {
      done(null, isBoardError(payload) ? { ...payload, ...boardErrorOf(reply) } : payload);
    });
    scope.setErrorHandler(async (error, _request, reply) => {
      await errors.send(await causeOf(error, inspector), reply);
      return reply;
    });
    scope.addHook('onSend', (_request, reply, payload, done) => {
      done(
        null,
        isPage(reply) && typeof payload === 'string' ? withoutExternalLinks(payload) : payload,
      );
    });
    await scope.register(board.registerPlugin(), { prefix: DASHBOARD_PATH });
  });
}

async function admit(request: FastifyRequest, { inspector, authGuard }: Dashboard): Promise<void> {
  await authGuard.admit(request, [DASHBOARD_SCOPE], bearerOf(request) ?? passwordOf(request));
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    throw new AdminError('forbidden', 'The dashboard is read-only.');
  }
  if (!request.routeOptions.url?.startsWith(`${DASHBOARD_PATH}/api/`)) return;
  checkQuery(request.query as Record<string, unknown>, inspector.queue.name);
  await inspector.check();
}

/** Rejects what bull-board would fail on. It ignores empty values. @throws AdminError */
function checkQuery(query: Record<string, unknown>, queueName: string): void {
  const isCount = (value: unknown, most: number) =>
    typeof value === 'string' && /^\d{1,9}$/.test(value) && Number(value) <= most;
  const allowed: Record<string, (value: unknown) => boolean> = {
    activeQueue: (value) => value === queueName,
    queueName: (value) => value === queueName,
    page: (value) => isCount(value, MAX_PAGE),
    jobsPerPage: (value) => isCount(value, MAX_JOBS_PER_PAGE),
  };
  const wrong = Object.keys(allowed).find((name) => {
    const value = query[name];
    return value !== undefined && value !== '' && !allowed[name]?.(value);
  });
  if (wrong === undefined) return;
  throw new AdminError(
    'invalid_request',
    `The query parameter ${wrong} has an invalid value.`,
    wrong,
  );
}

function boardOf({ queue }: QueueInspector): FastifyAdapter {
  const board = new FastifyAdapter().setBasePath(DASHBOARD_PATH);
  const shown = new BullMQAdapter(queue, { readOnlyMode: true });
  for (const field of ['data', 'returnValue', 'progress'] as const) {
    shown.setFormatter(field, () => HIDDEN);
  }
  const uiConfig = { boardTitle: 'Muster', hideRedisDetails: true, showWorkers: false };
  createBullBoard({ queues: [shown], serverAdapter: board, options: { uiConfig } });
  // Passes every error on to the handler of the scope.
  board.setErrorHandler((error) => {
    throw error;
  });
  return board;
}

/** What an error of a route of bull-board means. */
async function causeOf(error: unknown, inspector: QueueInspector): Promise<unknown> {
  // The id of a job was the name of another key of the queue.
  if (error instanceof Error && error.message.startsWith('WRONGTYPE')) {
    return new AdminError('not_found', 'Not found.');
  }
  return inspector.check().then(
    () => error,
    (unavailable: unknown) => unavailable,
  );
}

const CODES: Record<number, ErrorCode> = {
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
};

/** bull-board's own errors: a key that its page translates. */
function isBoardError(payload: unknown): payload is { error: { key: string } } {
  const { error } = (payload ?? {}) as { error?: { key?: unknown } };
  return typeof error?.key === 'string';
}

/** The fields of every error body of this API. The page needs those of bull-board as well. */
function boardErrorOf(reply: FastifyReply) {
  const code = CODES[reply.statusCode] ?? 'bad_request';
  return errorBody(reply, { code, message: 'The dashboard cannot show this.' });
}

/** The password of `Authorization: Basic`; the user is ignored. */
function passwordOf({ headers }: FastifyRequest): string | undefined {
  const credentials = /^basic +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (credentials === undefined) return undefined;
  const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(credentials, 'base64').toString()) ?? [];
  return password;
}

function isPage(reply: FastifyReply): boolean {
  return String(reply.getHeader('content-type')).startsWith('text/html');
}

/** Removes links to other hosts: the policy forbids them, and browsers log an error for each. */
function withoutExternalLinks(html: string): string {
  return html.replace(/<link\b[^<>]*>/gi, (tag) =>
    / href="(?:https?:)?\/\//i.test(tag) ? '' : tag,
  );
}
