import { oneOf, origins, prefixes, share, wholeNumber, type Setting } from './setting-kinds.js';

const KIB = 1024;

/** What ingest accepts. */
export const INGEST_LIMITS = {
  MAX_BODY_BYTES: {
    kind: wholeNumber(KIB),
    default: '2097152',
    about: 'the maximum size of a request body as sent',
  },
  MAX_INFLATED_BYTES: {
    kind: wholeNumber(KIB),
    default: '8388608',
    about: 'the maximum size of a request body after decompression',
  },
  MAX_EVENTS_PER_REQUEST: {
    kind: wholeNumber(1),
    default: '2500',
    about: 'the maximum number of events in a request',
  },
  MAX_EVENT_BYTES: {
    kind: wholeNumber(KIB),
    default: '1048576',
    about: 'the maximum size of an event',
  },
  MAX_JSON_DEPTH: {
    kind: wholeNumber(4, 1000),
    default: '20',
    about: 'the maximum nesting depth of JSON',
  },
  MAX_JSON_VALUES: {
    kind: wholeNumber(1000),
    default: '400000',
    about: 'the maximum number of JSON values (members, items, …) in a request',
  },
  UNKNOWN_BYTES_PER_MINUTE: {
    kind: wholeNumber(KIB),
    default: '33554432',
    about: 'decompressed bytes per minute that an address may send without a valid key',
  },
  PREVIEW_EVENTS_PER_MINUTE: {
    kind: wholeNumber(1),
    default: '3000',
    about: 'events that a write key may preview per minute and ingest process',
  },
} as const satisfies Record<string, Setting>;

/** What ingest needs of Redis, and from which pages it accepts events. */
export const INGEST_CONNECTIONS = {
  REDIS_MEMORY_SHARE: {
    kind: share,
    default: '0.8',
    about: 'the share of its maxmemory that Redis may use before ingest returns 503',
  },
  REDIS_TIMEOUT_MS: {
    kind: wholeNumber(1),
    default: '800',
    about: 'how long Redis may take to respond before it counts as unreachable',
  },
  REDIS_HOLD_MS: {
    kind: wholeNumber(0, 60_000),
    default: '8000',
    about: 'how long ingest holds a request while Redis is unreachable; 0: not at all',
  },
  MAX_HELD_REQUESTS: {
    kind: wholeNumber(1),
    default: '5000',
    about: 'how many requests ingest holds at once while Redis is unreachable',
  },
  UNANSWERED_AGENTS: {
    kind: prefixes,
    default: 'analytics-go',
    about:
      'clients whose connection is closed instead of a 503: a comma-separated list of User-Agent prefixes, or none',
  },
  REDIS_DURABILITY: {
    kind: oneOf('verified', 'trusted'),
    default: 'verified',
    about: 'verified: reject a Redis that does not fsync every write; trusted: skip it',
  },
  CORS_ORIGINS: {
    kind: origins,
    default: '*',
    about: 'the origins whose pages may send events: * or a comma-separated list',
  },
} as const satisfies Record<string, Setting>;
