import { describe, expect, test } from 'vitest';
import { compileProduct } from './compile.js';

const SHA1 = 'da39a3ee5e6b4b0d3255bfef95601890afd80709';

describe('the text that is kept of an event', () => {
  const metric = { unit: '1', about: 'A figure.' };
  const { keepText } = compileProduct({
    product: 'acme',
    about: 'A tool.',
    installation: { version: 'release', variant: 'edition', licenseSha1: 'license' },
    events: {
      done: {
        about: 'It is done.',
        store: 'usage',
        outcome: { property: 'result', values: { ok: 'succeeded' } },
        metrics: [
          { ...metric, name: 'n', kind: 'count' },
          { ...metric, name: 'size', kind: 'bytes', property: 'bytes' },
          { ...metric, name: 'day', kind: 'date' },
          { ...metric, name: 'kinds', kind: 'counts', types: ['Job'] },
          { ...metric, name: 'commands', kind: 'counts' },
        ],
        error: { list: 'errors', kind: 'type', message: 'value' },
      },
    },
  }).find('done')!;

  test.each([
    ...[
      ['n', '3\n'],
      ['bytes', '1024'],
      ['day', '2026-11-21'],
    ],
    ...[
      ['day', '2026-11-21T05:26:30.5+01:00'],
      ['kinds', 'Job'],
      ['kinds[]', 'Job'],
    ],
    ...[
      ['commands[]', 'search'],
      ['result', 'ok'],
      ['release', '2.0'],
      ['edition', 'open'],
    ],
    ...[
      ['license', SHA1],
      ['errors[].type', 'KeyError'],
    ],
  ])('is what a reader takes: at %s %j', (path, text) => {
    expect(keepText(path, text)).toBe(text);
  });

  test.each([
    ...[
      ['n', 'three'],
      ['n', '3 of alice'],
      ['size', '1024'],
      ['day', 'Monday'],
      ['day', '10.0.0.5'],
    ],
    ...[
      ['day', '+1 555 123 4567'],
      ['day', '15551234567'],
      ['kinds', 'Other'],
      ['kinds[]', '7'],
    ],
    ...[
      ['commands[]', 'of alice'],
      ['commands[]', 'alice@corp'],
      ['result', 'alice'],
      ['x', 'ok'],
    ],
    ...[
      ['result', '__proto__'],
      ['release', 'alice'],
      ['edition', 'alice@corp'],
      ['license', 'ABC'],
    ],
    ...[
      ['errors[].type', 'of alice'],
      ['errors[].value', 'failed'],
      ['type', 'KeyError'],
      ['', '7'],
    ],
    ...[
      ['a.n', '7'],
      ['__proto__', '7'],
      ['constructor', '7'],
    ],
  ])('is nothing else: at %s not %j', (path, text) => {
    expect(keepText(path, text)).toBeNull();
  });
});
