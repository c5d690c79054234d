import { InvalidRequest, type RequestContext } from '../envelope.js';

/** The context of a request of product `dcos` without limits on its events. New ids are `new-1`, `new-2` and so on. */
export function requestContext(changes: Partial<RequestContext> = {}): RequestContext {
  let ids = 0;
  return {
    receivedAt: 1,
    product: 'dcos',
    identityKey: 'k'.repeat(32),
    maxEvents: 2500,
    isTooLarge: () => false,
    isTooDeep: () => false,
    newId: () => `new-${(ids += 1)}`,
    ...changes,
  };
}

/** @returns the code with which `read` refuses a request, or `none` */
export function codeOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof InvalidRequest) return error.code;
    throw error;
  }
  return 'none';
}
