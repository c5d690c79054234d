import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { codeOf, Failure } from './outcome.js';

/** Address of the admin API, and the caller's token. */
export interface AdminAddress {
  url: string;
  token: string;
  /** Certificates to trust instead of the system's, in PEM. */
  ca?: string | undefined;
  /** How long the server may send nothing, in milliseconds. Default: a minute. */
  timeoutMs?: number;
}

export type Query = Record<string, string | Date | undefined>;

export interface RequestOptions {
  query?: Query | undefined;
  body?: object | undefined;
}

interface SendOptions extends RequestOptions {
  /** Where the response goes. While this does not accept data, the server cannot send any. */
  out?: Writable;
}

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
    return parse(await text(this.bodyOf(response)), response) as A;
  }

  /** Writes the response to `out` as it arrives, so it may have any length and `out` any speed. */
  async stream(path: string, out: Writable): Promise<void> {
    const response = await this.send('GET', path, { out });
    const body = this.bodyOf(response);
    if (response.statusCode !== 200) parse(await text(body), response);
    await pipeline(body, out, { end: false });
  }

  private async send(
    method: string,
    path: string,
    options: SendOptions,
  ): Promise<http.IncomingMessage> {
    const { query = {}, body, out } = options;
    const { url: base, ca, token, timeoutMs = 60_000 } = this.address;
    const url = new URL(path, base);
    for (const [name, value] of Object.entries(query)) {
      const text = value instanceof Date ? value.toISOString() : value;
      if (text !== undefined) url.searchParams.set(name, text);
    }
    const request = url.protocol === 'http:' ? http.request : https.request;
    const outgoing = request(url, {
      method,
      ...(ca !== undefined && { ca }),
      headers: {
        authorization: `Bearer ${token}`,
        ...(body && { 'content-type': 'application/json' }),
      },
    });
    limitSilence(outgoing, timeoutMs, out);
    // Reading the response reports an error that comes later.
    outgoing.on('error', () => undefined);
    outgoing.end(body && JSON.stringify(body));
    try {
      const [response] = (await once(outgoing, 'response')) as [http.IncomingMessage];
      return response;
    } catch (cause) {
      throw new Failure(
        `Cannot reach the admin API at ${url.origin} (${codeOf(cause)}). ${adviceFor(codeOf(cause))}`,
        { cause },
      );
    }
  }

  private async *bodyOf(response: http.IncomingMessage): AsyncGenerator<Buffer> {
    try {
      yield* response as AsyncIterable<Buffer>;
    } catch (cause) {
      const { origin } = new URL(this.address.url);
      throw new Failure(
        `The admin API at ${origin} stopped responding before its response was complete (${codeOf(cause)}). Check the result before you run the command again.`,
        { cause },
      );
    }
  }
}

/**
 * Ends the request if the server sends nothing for this time, unless it waits for `out`. A slow reader may also block
 * this process; what arrived meanwhile is read only after the next check, so it takes two checks.
 */
function limitSilence(outgoing: http.ClientRequest, timeoutMs: number, out?: Writable): void {
  let response: http.IncomingMessage | undefined;
  let received = -1;
  const timer = setInterval(() => {
    const receivedBefore = received;
    const isWaitingForReader = out?.writableNeedDrain === true;
    received = isWaitingForReader ? -1 : (outgoing.socket?.bytesRead ?? 0);
    if (isWaitingForReader || received !== receivedBefore) return;
    const error = Object.assign(new Error('no response in time'), { code: 'ETIMEDOUT' });
    (response ?? outgoing).destroy(error);
  }, timeoutMs / 2);
  outgoing.once('response', (arriving) => (response = arriving));
  outgoing.once('close', () => clearInterval(timer));
}

function adviceFor(code: string): string {
  if (/CERT|SIGNATURE|ISSUER|SELF_SIGNED/.test(code))
    return 'Its certificate is not trusted: set ADMIN_CA_FILE to the CA that signed it.';
  if (code === 'EPROTO' || code === 'ECONNRESET')
    return 'Check whether ADMIN_URL needs https:// or http://.';
  return 'Check that it is running, and ADMIN_URL.';
}

/** @throws Failure with the server's message if it rejected the request */
function parse(body: string, { statusCode = 0 }: http.IncomingMessage): unknown {
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
