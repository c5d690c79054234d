import { wholeNumber, secret, type Setting } from './setting-kinds.js';

export const WORKER_AND_ADMIN = {
  WORKER_CONCURRENCY: {
    kind: wholeNumber(1, 1000),
    default: '4',
    about: 'how many transactions a worker stores events in at once; each may store several jobs',
  },
  WORKER_DATABASE_CONNECTIONS: {
    kind: wholeNumber(4, 10_000),
    about:
      'the maximum number of database connections of a worker; default: WORKER_CONCURRENCY + 7, one per transaction, one that listens and six for replays, erasures, maintenance and short statements',
  },
  ADMIN_DATABASE_CONNECTIONS: {
    kind: wholeNumber(3, 10_000),
    default: '8',
    about: 'the maximum number of database connections of the admin API; one of them listens',
  },
  WORKER_STALL_SECONDS: {
    kind: wholeNumber(1, 86_400),
    default: '300',
    about: 'a worker is unhealthy if jobs wait and it completed none for this long',
  },
  WORKER_STUCK_SECONDS: {
    kind: wholeNumber(1, 86_400),
    about:
      'a worker is unhealthy if one of its loops makes no progress for this long; default: a limit per loop, from 2 minutes to 6 hours',
  },
  WORKER_BALANCE_SECONDS: {
    kind: wholeNumber(1, 60),
    default: '5',
    about: 'how often a worker compares what ingest acknowledged with what has arrived',
  },
} as const satisfies Record<string, Setting>;

export const RETENTION = {
  RETENTION_DAYS: {
    kind: wholeNumber(1, 36_500),
    default: '400',
    about:
      "how many days events are kept, unless their product's policy overrides it, and how old an event's own time may be",
  },
  QUARANTINE_RETENTION_DAYS: {
    // Duplicates are recognised for this long, also those of a quarantined event.
    kind: wholeNumber(30, 36_500),
    default: '30',
    about: 'how many days quarantined events are kept for replay',
  },
  ROLLUP_RETENTION_DAYS: {
    kind: wholeNumber(1, 36_500),
    default: '1830',
    about: 'how many days rollups, event counts and refusals are kept',
  },
} as const satisfies Record<string, Setting>;

export const ROLES = {
  APP_PASSWORD: {
    kind: secret,
    about:
      'the password of the role muster_app, as which workers and the admin API connect; the role is shared by a whole server; npm start generates the password',
  },
  ANALYST_PASSWORD: {
    kind: secret,
    about:
      'the password of the role analyst, which is shared by a whole server; npm start generates one',
  },
  PRIVACY_ANALYST_PASSWORD: {
    kind: secret,
    about:
      'the password of the role privacy_analyst, which reads fleet_privacy; without one it cannot log in',
  },
  PRIVACY_MIN_INSTALLATIONS: {
    kind: wholeNumber(2, 1_000_000),
    default: '10',
    about: 'groups with fewer installations are left out of the schema fleet_privacy',
  },
} as const satisfies Record<string, Setting>;
