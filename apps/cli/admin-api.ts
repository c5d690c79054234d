import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { Failure } from './outcome.js';

/** Where the admin API is, and who asks. */
export interface AdminAddress {
  url: string;
  token: string;
  /** Certificates to trust instead of the system's, in PEM. */
  ca?: string | undefined;
}

export interface Question {
  query?: Record<string, string | undefined> | undefined;
  body?: object | undefined;
}

const ANSWER_LIMIT_MS = 60_000;

/** Speaks to the admin API. Every method throws a Failure whose sentence is for people. */
export class AdminApi {
  constructor(private readonly address: AdminAddress) {}

  /** @returns the answer, which is of the shape that the API's reference tells */
  async ask<A extends object>(method: string, path: string, question: Question = {}): Promise<A> {
    const response = await this.send(method, path, question);
    return parse(await text(response), response) as A;
  }

  /** Writes an answer of any length to `out` as it arrives. */
  async stream(path: string, out: Writable): Promise<void> {
    const response = await this.send('GET', path, {});
    if (response.statusCode !== 200) parse(await text(response), response);
    await pipeline(response, out, { end: false });
  }

  private async send(
    method: string,
    path: string,
    { query = {}, body }: Question,
  ): Promise<IncomingMessage> {
    const url = new URL(path, this.address.url);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    const sending = request(url, {
      method,
      ...(this.address.ca !== undefined && { ca: this.address.ca }),
      timeout: ANSWER_LIMIT_MS,
      headers: {
        authorization: `Bearer ${this.address.token}`,
        ...(body && { 'content-type': 'application/json' }),
      },
    });
    sending.on('timeout', () => sending.destroy(new Error('it does not answer')));
    sending.end(body && JSON.stringify(body));
    try {
      const [response] = (await once(sending, 'response')) as [IncomingMessage];
      return response;
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      const { origin } = url;
      throw new Failure(`The admin API at ${origin} cannot be asked: ${code ?? message}.`, {
        cause,
      });
    }
  }
}

/** @throws Failure with the server's own words where it refused */
function parse(body: string, { statusCode = 0 }: IncomingMessage): unknown {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch (cause) {
    throw new Failure(`The answer (HTTP ${statusCode}) is not the admin API's.`, { cause });
  }
  if (statusCode < 300) return answer;
  const { message } = answer as { message?: string };
  throw new Failure(message ?? `The admin API refused (HTTP ${statusCode}).`);
}
