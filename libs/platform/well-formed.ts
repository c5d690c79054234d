import type { IncomingMessage } from 'node:http';

/** Why a request is rejected although Node parsed it. RFC 9112 and RFC 9110 require each check. */
export interface Malformation {
  status: 400 | 411 | 417 | 501 | 505;
  message: string;
}

/** @returns why a request is malformed HTTP/1.0 or HTTP/1.1; undefined if it is not */
export function malformationOf(request: IncomingMessage): Malformation | undefined {
  const { httpVersion, headers } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    return { status: 505, message: 'Use HTTP/1.1.' };
  }
  const hosts = countHosts(request.rawHeaders);
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) {
    return { status: 400, message: 'A request needs exactly one Host header.' };
  }
  const encoding = headers['transfer-encoding'];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'chunked') {
    return { status: 501, message: 'The only Transfer-Encoding supported is chunked.' };
  }
  if (request.method === 'DELETE' && headers['content-type'] !== undefined && !hasBody(request)) {
    return { status: 411, message: 'A body needs Content-Length, or Transfer-Encoding: chunked.' };
  }
  if (headers.expect !== undefined && !awaitsContinue(request)) {
    return { status: 417, message: 'The only Expect supported is 100-continue.' };
  }
  return undefined;
}

/**
 * Whether the head announces a body. Node's client sends the body of a DELETE unannounced: it then looks like the next
 * request, and its content (such as `dryRun`) would be lost.
 */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

/** Whether the client waits for 100 Continue before it sends the body. */
export function awaitsContinue({ headers }: IncomingMessage): boolean {
  return headers.expect?.trim().toLowerCase() === '100-continue';
}

/** @param rawHeaders alternating names and values */
function countHosts(rawHeaders: readonly string[]): number {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts;
}
