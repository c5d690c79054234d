import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
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
 * @param contentEncoding as the header names it; `identity` leaves the body as it is
 * @throws RequestError `unsupported_encoding`, `inflated_too_large`, `invalid_encoding`
 */
export async function decompress(
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
