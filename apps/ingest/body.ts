import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { RouteConfiguration } from './authenticate.js';
import { RequestError } from './errors.js';

type Inflate = (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const ENCODINGS: Record<string, Inflate> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  br: promisify(brotliDecompress),
  // Some senders of "deflate" leave out the zlib header (its first byte ends in 8).
  deflate: (body, options) =>
    ((body[0] ?? 0) & 0x0f) === 8
      ? promisify(inflate)(body, options)
      : promisify(inflateRaw)(body, options),
};

/**
 * Makes every request's body the bytes that were meant: of any content type or none, for agents say
 * text/plain or nothing where they send JSON, and decompressed. The limits hold for the bytes on the
 * wire while they arrive, and for the decompressed ones while they are made.
 */
export function takeBodiesAsBytes(
  fastify: FastifyInstance,
  limits: { maxBodyBytes: number; maxInflatedBytes: number },
): void {
  const inflating = new Turns(MAX_INFLATING);
  fastify.removeAllContentTypeParsers();
  fastify.addHook('onRequest', ({ headers }, _reply, done) => {
    // Fastify refuses a content type that is not well-formed; here it says nothing anyway.
    if (!isMediaType(headers['content-type'])) delete headers['content-type'];
    done();
  });
  fastify.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: limits.maxBodyBytes },
    (request: FastifyRequest, body: Buffer, done) => {
      const { maxAnonymousBytes = MAX_ANONYMOUS_BYTES, sniffsEncoding = false } = request
        .routeOptions.config as RouteConfiguration;
      const { authorization, 'content-encoding': header } = request.headers;
      const encoding = sniffsEncoding ? sniffEncoding(body, header) : header;
      if (encoding === undefined) return done(null, body);
      const isKnown = authorization !== undefined;
      const most = isKnown ? Infinity : maxAnonymousBytes;
      inflating
        .take(() => decompress(body, encoding, Math.min(most, limits.maxInflatedBytes)))
        .then(
          (bytes) => done(null, bytes),
          (error: unknown) => done(error as RequestError),
        );
    },
  );
}

/** Decompressing is bounded in number, or a few kilobytes from many would take gigabytes at once. */
const MAX_INFLATING = 4;

/**
 * Without a key in the header it is not known yet whose body it is, and it may not become larger than
 * any Segment client's: they send at most 500 KB.
 */
const MAX_ANONYMOUS_BYTES = 512_000;

/** PostHog's clients may say gzip of what is none, and nothing of what is: its first bytes tell. */
function sniffEncoding(body: Buffer, header: string | undefined): string | undefined {
  if (body[0] === 0x1f && body[1] === 0x8b) return 'gzip';
  return /gzip/i.test(header ?? '') ? undefined : header;
}

/** Lets a bounded number of works run at once; the others wait for their turn. */
class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(most: number) {
    this.#free = most;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free -= 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}

function isMediaType(contentType = ''): boolean {
  return /^[\w.+-]+\/[\w.+-]+ *(;|$)/.test(contentType);
}

async function decompress(
  body: Buffer,
  contentEncoding: string,
  maxInflatedBytes: number,
): Promise<Buffer> {
  const encoding = contentEncoding.trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return body;
  const inflateBody = Object.hasOwn(ENCODINGS, encoding) ? ENCODINGS[encoding] : undefined;
  if (!inflateBody) {
    const message = 'The Content-Encoding is not one of gzip, deflate, br.';
    throw new RequestError('unsupported_encoding', message);
  }
  try {
    return await inflateBody(body, { maxOutputLength: maxInflatedBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      const message = `The request body is more than ${maxInflatedBytes} bytes when decompressed.`;
      throw new RequestError('inflated_too_large', message);
    }
    throw new RequestError('invalid_encoding', `The request body is not valid ${encoding}.`);
  }
}
