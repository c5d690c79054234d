import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import { errorTable } from '#platform';
import { RequestError } from './errors.js';

type Inflate = (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const ENCODINGS: Record<string, Inflate> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  br: promisify(brotliDecompress),
  // Some clients send "deflate" without the zlib header, whose first byte ends in 8.
  deflate: (body, options) =>
    ((body[0] ?? 0) & 0x0f) === 8
      ? promisify(inflate)(body, options)
      : promisify(inflateRaw)(body, options),
};

/**
 * @param contentEncoding the header's value; `identity` returns the body unchanged
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
    throw new RequestError('unsupported_encoding', errorTable.unsupported_encoding.message);
  }
  try {
    return await inflateBody(body, { maxOutputLength: maxInflatedBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      const message = `The decompressed request body exceeds ${maxInflatedBytes} bytes.`;
      throw new RequestError('inflated_too_large', message);
    }
    throw new RequestError('invalid_encoding', `The request body is not valid ${encoding}.`);
  }
}
