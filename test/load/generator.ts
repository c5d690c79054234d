/**
 * Sends events in a separate process, as fast as responses arrive or at a given maximum rate. It
 * must use less CPU than what it measures, so it implements only the necessary part of HTTP: one
 * request at a time on each connection, and responses with a Content-Length.
 */
import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import { HealthEvents } from './health-events.js';

export interface Order {
  port: number;
  caFile: string;
  writeKey: string;
  connections: number;
  installations: number;
  durationMs: number;
  /** Maximum rate. Unlimited if not set. */
  eventsPerSecond?: number;
}

export interface Outcome {
  /** Events that got 202. Any other response is an error. */
  accepted: number;
  /** Time of the first request, in milliseconds since 1970. */
  startedAt: number;
  /** Time until the last response. */
  elapsedMs: number;
  /** CPU time of this process. */
  cpuMs: number;
}

const HOST = '127.0.0.1';
let events: HealthEvents | undefined;

process.on('message', (order: Order) => {
  send(order).then(
    (outcome) => process.send?.(outcome),
    (error: unknown) => process.send?.({ error: (error as Error).message }),
  );
});

async function send(order: Order): Promise<Outcome> {
  events ??= new HealthEvents(order.installations);
  const ca = readFileSync(order.caFile);
  const sockets = await Promise.all(
    Array.from({ length: order.connections }, () => open(order.port, ca)),
  );
  const head =
    `POST /v1/events HTTP/1.1\r\nHost: ${HOST}:${order.port}\r\n` +
    `Authorization: Bearer ${order.writeKey}\r\nContent-Type: application/json\r\n`;
  const startedAt = Date.now();
  const cpu = process.cpuUsage();
  const until = startedAt + order.durationMs;
  const paceMs = order.eventsPerSecond ? (1000 * order.connections) / order.eventsPerSecond : 0;
  try {
    const counts = await Promise.all(
      sockets.map((socket) => converse(socket, head, { until, paceMs })),
    );
    const { user, system } = process.cpuUsage(cpu);
    return {
      accepted: counts.reduce((sum, count) => sum + count),
      startedAt,
      elapsedMs: Date.now() - startedAt,
      cpuMs: (user + system) / 1000,
    };
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

function open(port: number, ca: Buffer): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: HOST, port, ca, servername: '' }, () => resolve(socket));
    socket.setNoDelay();
    socket.once('error', reject);
  });
}

/**
 * Sends the next request after each response until the time is over. @returns the number of 202
 * responses
 */
function converse(
  socket: TLSSocket,
  head: string,
  { until, paceMs }: { until: number; paceMs: number },
): Promise<number> {
  return new Promise((resolve, reject) => {
    let count = 0;
    let received = '';
    let next = Date.now() + Math.random() * paceMs;
    const ask = () => {
      const body = events?.json() ?? '';
      socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`, 'latin1');
    };
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      if (!isWhole(received)) return;
      if (!received.startsWith('HTTP/1.1 202 ')) {
        reject(new Error(`An event got this response:\n${received}`));
        return;
      }
      received = '';
      count += 1;
      if (Date.now() >= until) resolve(count);
      else if (paceMs === 0) ask();
      else {
        next = Math.max(next + paceMs, Date.now());
        setTimeout(ask, next - Date.now());
      }
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('A connection was closed.')));
    ask();
  });
}

function isWhole(answer: string): boolean {
  const headEnd = answer.indexOf('\r\n\r\n');
  if (headEnd === -1) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(answer)?.[1];
  return length !== undefined && answer.length >= headEnd + 4 + Number(length);
}
