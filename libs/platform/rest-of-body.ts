import type { IncomingMessage } from 'node:http';
import { awaitsContinue } from './well-formed.js';

/** How much of a refused body is read, and for how long: enough for what is sent by mistake. */
const MOST_BYTES = 16 * 1_048_576;
const MOST_MS = 5000;

/**
 * Reads what is left of a request's body and forgets it. A client that is still sending when its
 * connection is closed sees it break, and often does not read the answer that says why.
 *
 * @param request any; one whose body was read already costs nothing, and neither does one whose client
 *   still waits for 100 Continue
 * @returns when there is no more, or it was too much, or took too long
 */
export function restOfBody(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed || awaitsContinue(request)) return Promise.resolve();
  return new Promise((resolve) => {
    let bytes = 0;
    const stop = () => {
      clearTimeout(timer);
      request.off('data', count).off('end', stop).off('close', stop).pause();
      resolve();
    };
    const count = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) stop();
    };
    const timer = setTimeout(stop, MOST_MS);
    request.on('data', count).on('end', stop).on('close', stop).resume();
  });
}
