import { once } from 'node:events';
import { type Agent, request } from 'node:https';
import { connect } from 'node:tls';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** The body as JSON, or undefined if it is not JSON. */
  json: ReturnType<typeof JSON.parse>;
}

type Body = string | Buffer | object;

/** An HTTPS client that verifies the server's certificate. */
export class HttpsClient {
  constructor(
    private readonly url: string,
    private readonly ca: string,
    /** Keeps connections open. Without an agent, each request has its own connection. */
    private readonly agent: Agent | false = false,
  ) {}

  /** Posts text or bytes unchanged, or an object as JSON with its content type. */
  post = (
    path: string,
    body: Body,
    { headers = {} }: { headers?: Record<string, string> } = {},
  ): Promise<Answer> => {
    const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
    const bytes = Buffer.isBuffer(body) ? body : isRaw ? body : JSON.stringify(body);
    const type = isRaw ? {} : { 'content-type': 'application/json' };
    return this.send('POST', path, { ...type, ...headers }, bytes);
  };

  get = (path: string, { headers = {} }: { headers?: Record<string, string> } = {}) =>
    this.send('GET', path, headers);

  send = (
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string | Buffer,
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { ca, agent } = this;
      const sending = request(this.url + path, { method, headers, ca, agent });
      sending.on('error', reject);
      sending.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const { statusCode: status = 0, headers } = response;
          resolve({ status, headers, text, json: parse(text) });
        });
      });
      sending.end(body);
    });

  /** Sends a captured request byte for byte. */
  replay = async (raw: Buffer): Promise<Answer> => {
    const { hostname, port } = new URL(this.url);
    const socket = connect({ host: hostname, port: Number(port), ca: this.ca });
    try {
      await once(socket, 'secureConnect');
      socket.write(raw);
      let received = Buffer.alloc(0);
      for await (const chunk of socket) {
        received = Buffer.concat([received, chunk as Buffer]);
        const answer = readAnswer(received);
        if (answer) return answer;
      }
      throw new Error(`the connection ended after ${received.length} bytes of a response`);
    } finally {
      socket.destroy();
    }
  };
}

/** An HTTP/1.1 response with a Content-Length, or undefined while it is incomplete. */
function readAnswer(received: Buffer): Answer | undefined {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = received.toString('latin1', 0, headEnd).split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const body = received.subarray(headEnd + 4);
  const length = Number(headers['content-length'] ?? NaN);
  if (Number.isNaN(length)) throw new Error(`a response without Content-Length: ${statusLine}`);
  if (body.length < length) return undefined;
  const text = body.toString();
  return { status: Number(statusLine.split(' ')[1]), headers, text, json: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
