import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { AddressList } from './address-list.js';
import type { CertificateValidity } from './certificate-validity.js';
import { acceptProxyProtocol } from './proxy-protocol.js';
import type { ServedCertificate } from './tls.js';

export interface HttpServerSettings {
  /** Proxies and load balancers that are trusted to report the client's address. */
  trustedProxies: AddressList;
  /** Whether connections from them begin with a PROXY protocol header. */
  proxyProtocol: 'on' | 'off';
  /** How long an idle connection is kept open. */
  keepAliveMs: number;
  /** How long a request may take to arrive. */
  requestTimeoutMs: number;
}

/**
 * TLS 1.2 and 1.3 with authenticated encryption and forward secrecy only, without CBC: the
 * "intermediate" suites of https://wiki.mozilla.org/Security/Server_Side_TLS. The last two are for
 * clients on Windows Server 2012 R2.
 */
const TLS_OPTIONS = {
  handshakeTimeout: 10_000,
  minVersion: 'TLSv1.2',
  dhparam: 'auto',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
    'DHE-RSA-AES128-GCM-SHA256',
    'DHE-RSA-AES256-GCM-SHA384',
  ].join(':'),
} as const;

/** How often a closing server looks for connections without a request. */
const IDLE_POLL_MS = 50;

/** The servers of one process on one port: one for each address of its host name. */
export class HttpServers {
  readonly #servers: Server[] = [];
  #handler: RequestListener | undefined;

  /** @param certificate without one, the servers speak plain HTTP */
  constructor(
    private readonly settings: HttpServerSettings,
    private readonly certificate: ServedCertificate | undefined,
  ) {}

  /** Fastify's `serverFactory`. */
  readonly create = (handler: RequestListener): Server => {
    this.#handler = handler;
    const server = this.#create(handler);
    this.#servers.push(server);
    return server;
  };

  /** Also serves the other addresses of the host name, at the port of the listening server. */
  async listenOnOtherAddresses(host: string): Promise<void> {
    const [main] = this.#servers;
    if (!main || !this.#handler) throw new Error('create a server and let it listen first');
    const { address: served, port } = main.address() as AddressInfo;
    for (const { address } of await lookup(host, { all: true })) {
      if (host !== 'localhost' || address === served) continue;
      const server = this.#create(this.#handler).listen({ host: address, port });
      // Fastify handles invalid HTTP only on its own server.
      for (const listener of main.listeners('clientError')) {
        server.on('clientError', listener as (error: Error) => void);
      }
      // Addresses that this machine does not have, such as ::1 without IPv6, are skipped.
      const isListening = await once(server, 'listening').then(
        () => true,
        () => false,
      );
      if (!isListening) continue;
      this.#servers.push(server);
    }
  }

  /** The validity of the certificate; undefined for plain HTTP. */
  certificateValidity(): CertificateValidity | undefined {
    return this.certificate?.validity();
  }

  /** Starts to reload the certificate when its files change. */
  followCertificate(): void {
    this.certificate?.follow({
      setSecureContext: (pair) => {
        for (const server of this.#servers) {
          if ('setSecureContext' in server) (server as SecureServer).setSecureContext(pair);
        }
      },
    });
  }

  /** Calls back for every failed TLS handshake of the servers that listen now. */
  onFailedHandshake(listener: () => void): void {
    for (const server of this.#servers) {
      server.on('tlsClientError', (error: NodeJS.ErrnoException) => {
        // A balancer that only checks whether the port is open resets the connection.
        if (error.code !== 'ECONNRESET') listener();
      });
    }
  }

  /**
   * Stops listening, and resolves after the last response. Idle connections are closed, because clients would keep them
   * open for the next request.
   * @param app closes the server that Fastify created; its option `forceCloseConnections` must be `idle`
   */
  async close(app: { close(): Promise<unknown> }): Promise<void> {
    const closing = setInterval(() => {
      for (const server of this.#servers) server.closeIdleConnections();
    }, IDLE_POLL_MS);
    try {
      await Promise.all([app.close(), this.#closeOtherAddresses()]);
    } finally {
      clearInterval(closing);
    }
  }

  async #closeOtherAddresses(): Promise<void> {
    const [, ...others] = this.#servers;
    await Promise.all(
      others.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    );
  }

  #create(handler: RequestListener): Server {
    // Requests without Host get our error response instead of Node's, which has no body.
    const options = { requireHostHeader: false };
    const server = this.certificate
      ? createHttpsServer({ ...options, ...TLS_OPTIONS, ...this.certificate.pair }, handler)
      : createHttpServer(options, handler);
    server.keepAliveTimeout = this.settings.keepAliveMs;
    server.requestTimeout = this.settings.requestTimeoutMs;
    if (this.settings.proxyProtocol === 'on') {
      acceptProxyProtocol(server, this.settings.trustedProxies);
    }
    // The reader of the body sends 100 Continue, so that a request can be refused before its body.
    server.on('checkContinue', handler);
    server.on('checkExpectation', handler);
    return server;
  }
}

type SecureServer = Parameters<ServedCertificate['follow']>[0];
