import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { StartupError } from './startup-error.js';

/** A separate server, so that the public port never shows metrics. */
export class MetricsServer {
  private constructor(private readonly server: Server) {}

  /**
   * Serves a registry at `/metrics` over plain HTTP.
   * @param setting the name of the setting with the port
   * @throws StartupError if the port is in use
   */
  static async open(
    registry: Registry,
    { port, host, setting }: { port: number; host: string; setting: string },
  ): Promise<MetricsServer> {
    const server = createServer((request, response) => {
      if (request.method !== 'GET' || request.url?.split('?', 1)[0] !== '/metrics') {
        response.writeHead(404).end();
        return;
      }
      void registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
        () => response.writeHead(500).end(),
      );
    });
    try {
      await once(server.listen(port, host), 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      throw new StartupError(`Port ${port} is in use. Free it, or set ${setting} to another port.`);
    }
    return new MetricsServer(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}
