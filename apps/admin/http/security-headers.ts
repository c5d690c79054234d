import type { FastifyReply } from 'fastify';

/** For every response. `no-store`, because responses may contain secrets and personal data. */
export const SECURITY_HEADERS = {
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

/** Sets these headers, and the request's id. */
export function secure(reply: FastifyReply): void {
  void reply.headers({ ...SECURITY_HEADERS, 'x-request-id': reply.request.id });
}
