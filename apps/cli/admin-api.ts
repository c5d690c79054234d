import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { Failure } from './outcome.js';

/** Address of the admin API, and the caller's token. */
export interface AdminAddress {
  url: string;
  token: string;
  /** Certificates to trust instead of the system's, in PEM. */
  ca?: string | undefined;
}

export interface RequestOptions {
  query?: Record<string, string | undefined> | undefined;
  body?: object | undefined;
}

const RESPONSE_TIMEOUT_MS = 60_000;

/** Client of the admin API. Every method throws a Failure with a message for the operator. */
export class AdminApi {
  constructor(private readonly address: AdminAddress) {}

  /** @returns the response; docs/reference describes its shape */
  async request<A extends object>(
    method: string,
    path: string,
    options: RequestOptions = {},
  ): Promise<A> {
    const response = await this.send(method, path, options);
    return parse(await text(response), response) as A;
  }

  /** Writes the response to `out` as it arrives, so it may have any length. */
  async stream(path: string, out: Writable): Promise<void> {
    const response = await this.send('GET', path, {});
    if (response.statusCode !== 200) parse(await text(response), response);
    await pipeline(response, out, { end: false });
  }

  private async send(
    method: string,
    path: string,
    { query = {}, body }: RequestOptions,
  ): Promise<IncomingMessage> {
    const url = new URL(path, this.address.url);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    const outgoing = request(url, {
      method,
      ...(this.address.ca !== undefined && { ca: this.address.ca }),
      timeout: RESPONSE_TIMEOUT_MS,
      headers: {
        authorization: `Bearer ${this.address.token}`,
        ...(body && { 'content-type': 'application/json' }),
      },
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no response in time')));
    outgoing.end(body && JSON.stringify(body));
    try {
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      return response;
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      const { origin } = url;
      throw new Failure(
        `Cannot reach the admin API at ${origin} (${code ?? message}). Check that it is running, and ADMIN_URL.`,
        { cause },
      );
    }
  }
}

/** @throws Failure with the server's message if it rejected the request */
function parse(body: string, { statusCode = 0 }: IncomingMessage): unknown {
  let response: unknown;
  try {
    response = JSON.parse(body);
  } catch (cause) {
    throw new Failure(
      `The response (HTTP ${statusCode}) is not from the admin API. Check ADMIN_URL.`,
      { cause },
    );
  }
  if (statusCode < 300) return response;
  const { message } = response as { message?: string };
  throw new Failure(message ?? `The admin API rejected the request (HTTP ${statusCode}).`);
}
