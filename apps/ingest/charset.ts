import { isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';

const CHARSET = /;\s*charset="?([\w-]+)/i;

/** Windows PowerShell and older Java clients encode bodies in these, and say so. */
const DECODERS: Readonly<Record<string, TextDecoder>> = {
  'iso-8859-1': new TextDecoder('windows-1252'),
  latin1: new TextDecoder('windows-1252'),
  'windows-1252': new TextDecoder('windows-1252'),
  'utf-16': new TextDecoder('utf-16le'),
  'utf-16le': new TextDecoder('utf-16le'),
  'utf-16be': new TextDecoder('utf-16be'),
};

/**
 * A body in UTF-8, whatever charset its content type names. Bytes that are UTF-8 already stay as they are,
 * because some clients name a charset that they do not use.
 */
export function asUtf8(bytes: Buffer, contentType: string | undefined): Buffer {
  const charset = contentType && CHARSET.exec(contentType)?.[1]?.toLowerCase();
  if (!charset || !Object.hasOwn(DECODERS, charset)) return bytes;
  const isWide = charset.startsWith('utf-16');
  // ASCII in UTF-16 is valid UTF-8, with a NUL in each character.
  if (isUtf8(bytes) && !(isWide && bytes.includes(0))) return bytes;
  return Buffer.from(DECODERS[charset]?.decode(bytes) ?? '');
}
