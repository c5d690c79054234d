import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { QueueInspector } from '#queue';
import type { AdminScope } from '#storage';
import { AdminError, type ErrorFilter } from '../errors.js';
import { bearerOf, type AuthGuard } from '../auth-guard.js';

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
  if (request.url.startsWith(`${DASHBOARD_PATH}/api/`)) await inspector.check();
}

function boardOf({ queue }: QueueInspector): FastifyAdapter {
  const board = new FastifyAdapter().setBasePath(DASHBOARD_PATH);
  const shown = new BullMQAdapter(queue, { readOnlyMode: true });
  for (const field of ['data', 'returnValue', 'progress'] as const) {
    shown.setFormatter(field, () => HIDDEN);
  }
  const uiConfig = { boardTitle: 'Muster', hideRedisDetails: true, showWorkers: false };
  createBullBoard({ queues: [shown], serverAdapter: board, options: { uiConfig } });
  // The default response repeats the error's message.
  board.setErrorHandler(() => ({ status: 500, body: { error: 'The queue is unavailable.' } }));
  return board;
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
