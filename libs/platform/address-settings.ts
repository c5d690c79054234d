import { wholeNumber, oneOf, textLike, addresses, type Setting } from './setting-kinds.js';

const file = textLike(/./s, 'the path of a file');
const host = textLike(/^[^\s/]+$/, 'a host name or an address');

export const ADDRESSES = {
  INGEST_HOST: { kind: host, default: 'localhost', about: 'the address ingest listens on' },
  INGEST_PORT: {
    kind: wholeNumber(0, 65535),
    default: '8443',
    about: 'the HTTPS port of ingest; 0 picks a free one',
  },
  INGEST_METRICS_HOST: {
    kind: host,
    default: 'localhost',
    about: "the address of ingest's metrics port",
  },
  INGEST_METRICS_PORT: {
    kind: wholeNumber(0, 65535),
    about: "ingest's metrics port for Prometheus, plain HTTP; default: none; 0 picks a free one",
  },
  ADMIN_HOST: { kind: host, default: 'localhost', about: 'the address the admin API listens on' },
  ADMIN_PORT: {
    kind: wholeNumber(0, 65535),
    default: '8444',
    about: 'the HTTPS port of the admin API; 0 picks a free one',
  },
  ADMIN_METRICS_HOST: {
    kind: host,
    default: 'localhost',
    about: 'the address of the metrics port of the admin API',
  },
  ADMIN_METRICS_PORT: {
    kind: wholeNumber(0, 65535),
    about:
      'the metrics port of the admin API for Prometheus, plain HTTP; default: none; 0 picks a free one',
  },
  WORKER_HEALTH_HOST: {
    kind: host,
    default: 'localhost',
    about: "the address of a worker's health port",
  },
  WORKER_HEALTH_PORT: {
    kind: wholeNumber(0, 65535),
    about: "a worker's health port, plain HTTP; default: none; 0 picks a free one",
  },
  TLS_CERT_FILE: {
    kind: file,
    about: 'the certificate (PEM, with its chain), reloaded when it changes',
  },
  TLS_KEY_FILE: { kind: file, about: 'the private key of the certificate (PEM)' },
  INGEST_PROTOCOL: {
    kind: oneOf('https', 'http'),
    default: 'https',
    about: 'http: ingest serves plain HTTP, to the TRUSTED_PROXIES only, which terminate TLS',
  },
  ADMIN_PROTOCOL: {
    kind: oneOf('https', 'http'),
    default: 'https',
    about: 'http: the same for the admin API',
  },
  TRUSTED_PROXIES: {
    kind: addresses,
    about:
      'the proxies and load balancers whose X-Forwarded-For, X-Forwarded-Proto and PROXY protocol headers are trusted: a comma-separated list of addresses and networks; default: none',
  },
  PROXY_PROTOCOL: {
    kind: oneOf('off', 'on'),
    default: 'off',
    about: 'on: each connection from a trusted proxy begins with a PROXY protocol header (1 or 2)',
  },
  KEEP_ALIVE_MS: {
    kind: wholeNumber(1000),
    default: '72000',
    about:
      'how long ingest and the admin API keep an idle connection open; longer than a load balancer in front does',
  },
  DRAIN_MS: {
    kind: wholeNumber(0),
    default: '0',
    about:
      'how long ingest and the admin API keep serving after SIGTERM, not ready, so that load balancers notice; below STOP_TIMEOUT_MS',
  },
} as const satisfies Record<string, Setting>;
