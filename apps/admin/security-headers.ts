import type { FastifyReply } from 'fastify';

/** On every response. Secrets and personal data are shown here: nothing is kept by a browser or a proxy. */
export const SECURITY_HEADERS = {
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

/** Puts them, and the id of the request, on a response. */
export function secure(reply: FastifyReply): void {
  void reply.headers({ ...SECURITY_HEADERS, 'x-request-id': reply.request.id });
}
