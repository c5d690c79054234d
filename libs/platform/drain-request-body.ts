import type { IncomingMessage } from 'node:http';
import { awaitsContinue } from './well-formed.js';

/** Limits for reading a rejected body: enough for clients that exceed a limit by mistake. */
const MAX_BYTES = 16 * 1_048_576;
const MAX_MS = 5000;

/**
 * Reads and discards the rest of a request's body. If the connection were closed while the client still sends, the
 * client would see a broken connection and often miss the response. Does nothing if the body was already read, or the
 * client waits for 100 Continue. Resolves at the end of the body, or at the limit of size or time.
 */
export function drainRequestBody(request: IncomingMessage): Promise<void> {
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
      if (bytes > MAX_BYTES) stop();
    };
    const timer = setTimeout(stop, MAX_MS);
    request.on('data', count).on('end', stop).on('close', stop).resume();
  });
}
