import { AddressList } from './address-list.js';

/** The parsed value, or an error phrase that follows the setting's name ("is empty"). */
export type Parsed<T> = { value: T } | { wrong: string };

/** A kind of setting: a description of its values, and its parser. */
export interface Kind<T> {
  readonly allowed: string;
  /** A secret may also be given as a file, by the variable NAME_FILE. */
  readonly isSecret?: boolean;
  /** A `wrong` phrase of a kind that holds secrets must not repeat any of the text. */
  parse(text: string): Parsed<T>;
}

/** One environment variable. Its default is text, as in the environment. */
export interface Setting<T = unknown> {
  readonly kind: Kind<T>;
  readonly about: string;
  readonly default?: string;
}

const isShown = (text: string) => `is ${JSON.stringify(text)}`;

/** A whole number of at least `min` and at most `max`, in decimal digits. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): Kind<number> {
  const upTo = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
  return {
    allowed: `a whole number ${upTo}`,
    parse(text) {
      const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
      return value >= min && value <= max ? { value } : { wrong: isShown(text) };
    },
  };
}

/** A part of a whole: more than 0, at most 1. */
export const share: Kind<number> = {
  allowed: 'a number above 0 and at most 1, such as 0.8',
  parse(text) {
    const value = /^(?:\d+|\d*\.\d+)$/.test(text) ? Number(text) : NaN;
    return value > 0 && value <= 1 ? { value } : { wrong: isShown(text) };
  },
};

export function oneOf<const T extends string>(...names: readonly T[]): Kind<T> {
  return {
    allowed: `one of ${names.join(', ')}`,
    parse(text) {
      const value = names.find((name) => name === text);
      return value === undefined ? { wrong: isShown(text) } : { value };
    },
  };
}

export function textLike(pattern: RegExp, allowed: string): Kind<string> {
  return {
    allowed,
    parse: (text) => (pattern.test(text) ? { value: text } : { wrong: isShown(text) }),
  };
}

/** Any text at all; never shown. */
export const secret: Kind<string> = {
  allowed: 'a text that is not empty',
  isSecret: true,
  parse: (text) => ({ value: text }),
};

/** A key that cannot be guessed. Never shown. */
export const longSecret: Kind<string> = {
  allowed: 'a text of 32 characters or more, such as openssl rand -hex 32 prints',
  isSecret: true,
  parse: (text) => (text.length < 32 ? { wrong: 'is too short' } : { value: text }),
};

/** A URL with a password in it, so that no message repeats it. */
export function secretUrl(protocols: readonly string[], example: string): Kind<string> {
  return {
    allowed: `a URL such as ${example}`,
    isSecret: true,
    parse(text) {
      if (!URL.canParse(text)) return { wrong: 'is not a URL' };
      const { protocol } = new URL(text);
      if (!protocols.includes(protocol)) return { wrong: `begins with ${protocol}` };
      return { value: text };
    },
  };
}

const THIS_MACHINE = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** A URL that may be sent a token: `https:`, or `http:` to this machine. */
export const tokenUrl: Kind<string> = {
  allowed: 'a URL such as https://muster.example.com:8444 (http:// only to localhost)',
  isSecret: true,
  parse(text) {
    if (!URL.canParse(text)) return { wrong: 'is not a URL' };
    const { protocol, hostname } = new URL(text);
    if (protocol === 'https:') return { value: text };
    if (protocol !== 'http:') return { wrong: `begins with ${protocol}` };
    return THIS_MACHINE.test(hostname)
      ? { value: text }
      : { wrong: 'would send the token unencrypted to another machine' };
  },
};

/** The origins that may call from a browser: all, or a list. */
export const origins: Kind<'*' | string[]> = {
  allowed: '* or a comma list of origins such as https://ui.example.com',
  parse(text) {
    if (text === '*') return { value: '*' };
    const list = splitList(text);
    const odd = list.find((origin) => !URL.canParse(origin) || new URL(origin).origin !== origin);
    return odd === undefined ? { value: list } : { wrong: `has the entry ${JSON.stringify(odd)}` };
  },
};

/** IP addresses and networks. */
export const addresses: Kind<AddressList> = {
  allowed: 'a comma list of addresses and networks such as 10.0.0.0/8',
  parse(text) {
    const list = AddressList.parse(splitList(text));
    if (list instanceof AddressList) return { value: list };
    return { wrong: `has the entry ${JSON.stringify(list.wrong)}` };
  },
};

/** How texts begin, or `none`. */
export const prefixes: Kind<readonly string[]> = {
  allowed: 'a comma list of texts such as analytics-go, or none',
  parse: (text) => ({ value: text === 'none' ? [] : splitList(text) }),
};

/**
 * Maps the SHA-256 of each write key (64 lower-case hex digits) to its product. Only digests are configured, so that
 * the configuration does not reveal keys.
 */
export const writeKeys: Kind<ReadonlyMap<string, string>> = {
  allowed: 'a comma list of product:sha256, the SHA-256 of the key as 64 hex digits',
  isSecret: true,
  parse(text) {
    const products = new Map<string, string>();
    for (const [index, entry] of splitList(text).entries()) {
      const parts = /^([^:]+):([0-9a-f]{64})$/i.exec(entry);
      const product = parts?.[1] ?? '';
      const digest = parts?.[2]?.toLowerCase() ?? '';
      const place = `entry number ${index + 1}`;
      if (!parts) return { wrong: `has a wrong ${place}` };
      if ((products.get(digest) ?? product) !== product) {
        return { wrong: `gives the key of another product again in ${place}` };
      }
      products.set(digest, product);
    }
    return products.size > 0 ? { value: products } : { wrong: 'has no entry' };
  },
};

function splitList(text: string): string[] {
  const entries = text.split(',').map((entry) => entry.trim());
  return entries.filter((entry) => entry !== '');
}
