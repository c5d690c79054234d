import type { Draw } from './draw.js';

/**
 * An identifier, and other forms that it could be found by, in addition to its distinctive words.
 */
export type Made = string | [value: string, ...forms: string[]];

/** The four bytes of an address, as written in host names, keys and labels. */
export function ipv4(value: string): Made {
  const [address = ''] = /(?<!\d)\d{1,3}(?:\D\d{1,3}){3}/.exec(value) ?? [];
  const bytes = address.split(/\D/);
  return [value, ...['.', '-', '_', ''].map((separator) => bytes.join(separator))];
}

export function ipv6(value: string, address = value): Made {
  return [value, address, address.replaceAll(':', ''), address.replaceAll(':', '-')];
}

export function mac(hex: string, write: (bytes: string[]) => string): Made {
  const bytes = hex.match(/../g) ?? [];
  const dotted = hex.match(/..../g)?.join('.') ?? '';
  return [write(bytes), hex, dotted, ...[':', '-', '_'].map((mark) => bytes.join(mark))];
}

/** A version 1 GUID. Its last part is the machine's network address. */
export function guid(draw: Draw, write: (guid: string) => string): Made {
  const node = `02${draw.hex(10)}`;
  // A time in this century, as in real GUIDs.
  const century = `11${draw.one(['d', 'e', 'f'])}${draw.int(0, 9)}`;
  const parts = [draw.hex(8), draw.hex(4), century, `9${draw.hex(3)}`, node];
  return [write(parts.join('-')), node];
}

/** The same GUID in the byte order of SQL Server's sequential GUIDs. */
export function swapped(guid: string): string {
  return guid
    .split('-')
    .map((part, at) => (at < 3 ? (part.match(/../g) ?? []).reverse().join('') : part))
    .join('-');
}

export function digits(value: string): Made {
  return [value, value.replace(/\D/g, '')];
}

export function account(number: string, value = number): Made {
  const parts = number.match(/..../g) ?? [];
  return [value, number, parts.join('-'), parts.join('_'), parts.join(' ')];
}

export function serial(value: string): Made {
  return [value, value.replaceAll('-', '')];
}

/** An e-mail address in base64 or hex, without padding. */
export function encoded(address: string, alphabet: 'base64' | 'base64url' | 'hex'): Made {
  return [Buffer.from(address).toString(alphabet).replaceAll('=', ''), address];
}
