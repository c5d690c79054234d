import type { FastifyInstance, FastifyRequest } from 'fastify';
import { networkOf } from '#platform';
import { checkValues, mentionsKey } from '#telemetry';
import { configurationOf, refusalOf, senderOf } from './authenticate.js';
import { asUtf8 } from './charset.js';
import { decompress } from './decompress.js';
import { RateLimited, RequestError, Unauthorized } from './errors.js';
import { unwrapForm } from './posthog-form.js';
import { PerMinute } from './per-minute.js';
import { Turns } from './turns.js';
import type { WriteKeys } from './write-keys.js';

export interface BodyLimits {
  maxBodyBytes: number;
  maxInflatedBytes: number;
  maxJsonValues: number;
  maxUnknownBytesPerMinute: number;
}

/**
 * Reads every body as bytes: decompressed, extracted from a form, in UTF-8. The content type is ignored, because
 * agents send JSON as text/plain or without one. Limits apply to the bytes while they arrive, to the decompressed
 * bytes while they are produced, and to the number of values before they are parsed. Bodies without a valid key are
 * rejected here.
 */
export function takeBodiesAsBytes(
  fastify: FastifyInstance,
  keys: WriteKeys,
  limits: BodyLimits,
): void {
  const reader = new BodyReader(keys, limits);
  fastify.removeAllContentTypeParsers();
  fastify.addHook('onRequest', ({ headers }, _reply, done) => {
    // Fastify refuses a malformed content type, which does not matter here.
    if (!isMediaType(headers['content-type'])) delete headers['content-type'];
    done();
  });
  fastify.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: limits.maxBodyBytes },
    (request: FastifyRequest, body: Buffer, done) => {
      try {
        const bytes = reader.read(request, body);
        if (Buffer.isBuffer(bytes)) done(null, bytes);
        else bytes.then((it) => done(null, it)).catch((error: unknown) => done(error as Error));
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

/** Limits concurrent decompression: otherwise small requests from many clients could take gigabytes. */
const MAX_INFLATING = 4;

/**
 * The limit without a key in the header, when the sender is not known yet. Segment's clients send at most 500 KB.
 */
const MAX_ANONYMOUS_BYTES = 512_000;

/** Enough for a report, and cheap to search for a key. */
const MIN_UNKNOWN_BYTES = 65_536;

const NOTHING = Buffer.alloc(0);

class BodyReader {
  readonly #inflating = new Turns(MAX_INFLATING);
  /** The decompressed bytes of bodies without a valid key, by client network. */
  readonly #unknown = new PerMinute();

  constructor(
    private readonly keys: WriteKeys,
    private readonly limits: BodyLimits,
  ) {}

  /** Synchronous if nothing is to be decompressed, because a promise would slow down every request. */
  read(request: FastifyRequest, body: Buffer): Buffer | Promise<Buffer> {
    const { ignoresBody, sniffsEncoding = false } = configurationOf(request);
    if (request.is404 || ignoresBody) return NOTHING;
    const header = request.headers['content-encoding'];
    const encoding = sniffsEncoding ? sniffEncoding(body, header) : header;
    const contentType = request.headers['content-type'];
    const open = (bytes: Buffer) => asUtf8(sniffsEncoding ? unwrapForm(bytes) : bytes, contentType);
    if (senderOf(request)) {
      const check = (bytes: Buffer) => this.#check(open(bytes));
      if (encoding === undefined) return check(body);
      const { maxInflatedBytes } = this.limits;
      return this.#inflating.take(() => decompress(body, encoding, maxInflatedBytes)).then(check);
    }
    return this.#readUnknown(request, body, encoding, open);
  }

  #readUnknown(
    request: FastifyRequest,
    body: Buffer,
    encoding: string | undefined,
    open: (bytes: Buffer) => Buffer,
  ): Buffer | Promise<Buffer> {
    const { maxAnonymousBytes = MAX_ANONYMOUS_BYTES } = configurationOf(request);
    // Fastify uses X-Forwarded-For only from trusted proxies.
    const address = networkOf(request.ip);
    const admit = (bytes: Buffer) => this.#admit(open(bytes), address);
    if (encoding !== undefined) {
      const most = Math.min(maxAnonymousBytes, this.limits.maxInflatedBytes);
      return this.#inflating
        .take(() => this.#inflateUnknown(body, encoding, most, address))
        .then(admit);
    }
    if (body.length > this.#allowanceOf(address)) throw this.#tooMuch(address);
    return admit(body);
  }

  async #inflateUnknown(body: Buffer, encoding: string, most: number, address: string) {
    const allowance = this.#allowanceOf(address);
    try {
      return await decompress(body, encoding, Math.min(most, allowance));
    } catch (error) {
      this.#unknown.add(address, Math.min(most, allowance));
      const isOver = error instanceof RequestError && error.code === 'inflated_too_large';
      throw isOver && allowance < most ? this.#tooMuch(address) : error;
    }
  }

  /**
   * @throws RequestError `unauthorized` if the body contains no valid key
   * @throws QueueUnavailable if the key cannot be checked at the moment
   */
  #admit(bytes: Buffer, address: string): Buffer {
    let refused = '';
    const isValid = (key: string) => {
      if (refused === '') refused = key;
      return this.keys.senderOf(key) !== null;
    };
    if (mentionsKey(bytes, isValid)) return this.#check(bytes);
    this.#unknown.add(address, bytes.length);
    const message =
      'Missing or invalid write key. Send it as a bearer token, as the user name of basic authentication, or in the body.';
    throw refused === '' ? new Unauthorized(message, null) : refusalOf(this.keys, refused, message);
  }

  /** Small bodies pass even above the limit, because an honest client may share the address. */
  #allowanceOf(address: string): number {
    const { maxUnknownBytesPerMinute } = this.limits;
    return Math.max(MIN_UNKNOWN_BYTES, maxUnknownBytesPerMinute - this.#unknown.usedBy(address));
  }

  #check(bytes: Buffer): Buffer {
    checkValues(bytes, this.limits.maxJsonValues);
    return bytes;
  }

  #tooMuch(address: string): RateLimited {
    const message = 'Too many bytes without a valid write key from this address. Retry later.';
    return new RateLimited(this.#unknown.waitMsOf(address), message);
  }
}

/** PostHog clients may label plain bodies as gzip, and send gzip unlabelled: the first bytes decide. */
function sniffEncoding(body: Buffer, header: string | undefined): string | undefined {
  if (body[0] === 0x1f && body[1] === 0x8b) return 'gzip';
  return /gzip/i.test(header ?? '') ? undefined : header;
}

function isMediaType(contentType = ''): boolean {
  return /^[\w.+-]+\/[\w.+-]+ *(;|$)/.test(contentType);
}
