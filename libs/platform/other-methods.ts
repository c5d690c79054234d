import type { FastifyInstance, FastifyReply, HTTPMethods } from 'fastify';

/** Without OPTIONS, which CORS handles, and HEAD, which follows GET. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const satisfies HTTPMethods[];

/**
 * Returns 405 with `Allow` if the path exists, but not with this method.
 *
 * @param refuse sends the error body of this API
 * @returns a function to call when all routes are registered
 */
export function refuseOtherMethods(
  fastify: FastifyInstance,
  refuse: (reply: FastifyReply, allowed: string) => void,
): () => void {
  const methodsOf = new Map<string, Set<string>>();
  fastify.addHook('onRoute', ({ url, method }) => {
    const methods = methodsOf.get(url) ?? new Set();
    for (const name of [method].flat()) methods.add(name);
    methodsOf.set(url, methods);
  });
  return () => {
    for (const [url, methods] of [...methodsOf]) {
      const others = METHODS.filter((name) => !methods.has(name));
      if (url.includes('*') || others.length === 0) continue;
      const allowed = [...methods].sort().join(', ');
      fastify.route({
        method: others,
        url,
        onRequest: (_request, reply) => refuse(reply.header('allow', allowed), allowed),
        handler: () => undefined,
      });
    }
  };
}
