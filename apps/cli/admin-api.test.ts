import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { AdminApi } from './admin-api.js';
import { Failure } from './outcome.js';

const TIMEOUT_MS = 100;
let server: Server;

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function serve(listener: RequestListener): Promise<AdminApi> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return new AdminApi({ url: `http://127.0.0.1:${port}`, token: 'x', timeoutMs: TIMEOUT_MS });
}

function collector(): Writable & { bytes: number } {
  const out = Object.assign(new Writable(), { bytes: 0 });
  out._write = (chunk: Buffer, _encoding, done) => {
    out.bytes += chunk.length;
    done();
  };
  return out;
}

test('an export waits for a slow reader, however long it pauses', async () => {
  const size = 8 * 1024 * 1024;
  const admin = await serve((_, response) => response.end(Buffer.alloc(size)));
  const out = collector();
  const write = out._write.bind(out);
  let pauses = 2;
  out._write = (chunk, encoding, done) => {
    const pauseMs = pauses > 0 ? 4 * TIMEOUT_MS : 0;
    pauses -= 1;
    void sleep(pauseMs).then(() => write(chunk, encoding, done));
  };
  await admin.stream('/', out);
  await finished(out.end());
  expect(out.bytes).toBe(size);
});

test('an export survives a reader that blocks the whole process', async () => {
  const size = 1024 * 1024;
  const admin = await serve((_, response) => response.end(Buffer.alloc(size)));
  const out = collector();
  const write = out._write.bind(out);
  let isFirst = true;
  out._write = (chunk, encoding, done) => {
    const until = Date.now() + (isFirst ? 4 * TIMEOUT_MS : 0);
    isFirst = false;
    while (Date.now() < until);
    write(chunk, encoding, done);
  };
  await admin.stream('/', out);
  await finished(out.end());
  expect(out.bytes).toBe(size);
});

test.each<[string, RequestListener, string]>([
  [
    'stops responding before its response',
    () => undefined,
    'Cannot reach the admin API at http://127.0.0.1',
  ],
  [
    'stops responding in the middle',
    (_, response) => void response.write('{"half": '),
    'stopped responding before its response was complete (ETIMEDOUT)',
  ],
  [
    'resets the connection in the middle',
    (_, response) => void response.write('{"half": ', () => response.socket?.resetAndDestroy()),
    'stopped responding before its response was complete (ECONNRESET)',
  ],
])('a server that %s is one sentence', async (_, listener, message) => {
  const admin = await serve(listener);
  const asking = [admin.request('GET', '/'), admin.stream('/', collector())];
  for (const ended of await Promise.allSettled(asking)) {
    const failure = (ended as PromiseRejectedResult).reason as Failure;
    expect(failure).toBeInstanceOf(Failure);
    expect(failure.message).toContain(message);
  }
});

test('an output that fails ends the export with its error', async () => {
  const admin = await serve((_, response) => response.end(Buffer.alloc(1024 * 1024)));
  const full = new Error('the disk is full');
  const out = new Writable({ write: (_chunk, _encoding, done) => done(full) });
  await expect(admin.stream('/', out)).rejects.toBe(full);
});
