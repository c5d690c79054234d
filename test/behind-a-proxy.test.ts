import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { findFreePort, Teardown } from '#devservers';
import { findHaproxy } from '../tools/install/ensure-haproxy.mjs';
import { HttpsClient } from './support/https.js';
import { startMuster } from './support/muster.js';

const KEY = { authorization: 'Bearer wk_dcos' };
const EMPTY = { batch: null };
const TRUSTED = { TRUSTED_PROXIES: '127.0.0.0/8, ::1' };

let teardown: Teardown;
beforeEach(() => {
  teardown = new Teardown();
});
afterEach(() => teardown.run());

test('a balancer that terminates TLS may forward plain HTTP, but only from clients that used HTTPS', async () => {
  const muster = await start({ INGEST_PROTOCOL: 'http', ...TRUSTED });
  const port = await startHaproxy(
    (bind) => `
frontend secure
  mode http
  bind ${bind} ssl crt CERTIFICATE
  http-request set-header X-Forwarded-Proto https
  default_backend plain
backend plain
  mode http
  server m 127.0.0.1:${muster.ingest.ready.port}`,
  );
  const { post } = new HttpsClient(`https://localhost:${port}`, muster.ca);
  expect((await post('/v1/batch', EMPTY, { headers: KEY })).status).toBe(200);
  const ingestUrl = `http://127.0.0.1:${muster.ingest.ready.port}`;
  const direct = await fetch(`${ingestUrl}/v1/batch`, {
    ...{ method: 'POST', body: JSON.stringify(EMPTY) },
    headers: { ...KEY, 'x-forwarded-proto': 'http' },
  });
  expect(direct.status).toBe(403);
  expect(await direct.json()).toMatchObject({ code: 'bad_request', message: 'Use HTTPS.' });
});

test('plain HTTP is accepted only from trusted proxies and for health probes', async () => {
  const muster = await start({ INGEST_PROTOCOL: 'http', TRUSTED_PROXIES: '192.0.2.1' });
  const url = `http://127.0.0.1:${muster.ingest.ready.port}`;
  const refused = await fetch(`${url}/v1/batch`, {
    ...{ method: 'POST', body: JSON.stringify(EMPTY), headers: KEY },
  });
  expect(refused.status).toBe(403);
  expect(await refused.json()).toMatchObject({
    message: 'Plain HTTP is only accepted from trusted proxies. Use HTTPS.',
  });
  expect((await fetch(`${url}/health/ready`)).status).toBe(200);
});

test.each(['send-proxy', 'send-proxy-v2'])(
  'a balancer that passes TLS through reports client addresses with %s',
  async (version) => {
    const muster = await start({ PROXY_PROTOCOL: 'on', ...TRUSTED });
    const port = await startHaproxy((bind) => passThrough(bind, [muster.ingest], version));
    const { post } = new HttpsClient(`https://localhost:${port}`, muster.ca);
    expect((await post('/v1/batch', EMPTY, { headers: KEY })).status).toBe(200);
  },
);

test('an idle connection is kept for KEEP_ALIVE_MS', async () => {
  const muster = await start({ KEEP_ALIVE_MS: '600000' });
  const { headers } = await muster.get('/health/live', { headers: { connection: 'keep-alive' } });
  expect(headers['keep-alive']).toBe('timeout=600');
});

describe('a stopping ingest behind a balancer', () => {
  test('resets no request: it reports not ready, keeps serving, and then closes', async () => {
    const muster = await start({ ...TRUSTED, PROXY_PROTOCOL: 'on', DRAIN_MS: '5000' });
    const other = await muster.addIngest();
    const port = await startHaproxy((bind) =>
      passThrough(bind, [muster.ingest, other.app], 'send-proxy-v2'),
    );
    const kept = new HttpsClient(
      `https://localhost:${port}`,
      muster.ca,
      new Agent({ keepAlive: true, maxSockets: 4 }),
    );
    const fresh = new HttpsClient(`https://localhost:${port}`, muster.ca);
    const failures: unknown[] = [];
    let answered = 0;
    let isOver = false;
    const senders = [kept, kept, fresh, fresh].map(async ({ post }) => {
      while (!isOver) {
        await post('/v1/batch', EMPTY, { headers: KEY }).then(
          ({ status }) => (status === 200 ? (answered += 1) : failures.push(status)),
          (error: unknown) => failures.push(error),
        );
        await sleep(20);
      }
    });
    await vi.waitFor(() => expect(answered).toBeGreaterThan(30), 20_000);
    const probe = await startProbe(muster.ingest.ready.port);
    const stopping = muster.ingest.stop();
    await vi.waitFor(async () => {
      const { status, json } = await probe.get('/health/ready');
      expect({ status, json }).toMatchObject({ status: 503, json: { reason: 'draining' } });
    }, 4000);
    await stopping;
    const before = answered;
    await vi.waitFor(() => expect(answered).toBeGreaterThan(before + 30), 20_000);
    isOver = true;
    await Promise.all(senders);
    expect(failures).toEqual([]);
  });

  /** A client with an untrusted address. */
  async function startProbe(port = 0) {
    const { tls } = inject('services');
    const ca = await readFile(tls.certFile, 'utf8');
    const proxied = await startHaproxy(
      (bind) => `
listen one
  mode tcp
  bind ${bind}
  server m 127.0.0.1:${port} send-proxy-v2`,
    );
    return new HttpsClient(`https://localhost:${proxied}`, ca);
  }
});

async function start(ingestEnv: Record<string, string>) {
  const muster = await startMuster({ workers: 0, ingestEnv });
  teardown.add(() => muster.stop());
  return muster;
}

/** Passes connections through to the servers that report ready. */
function passThrough(bind: string, apps: { ready: { port?: number } }[], version: string): string {
  const servers = apps.map(
    ({ ready }, index) =>
      `  server m${index} 127.0.0.1:${ready.port} ${version} check check-ssl check-send-proxy verify none inter 200ms fall 1 rise 1`,
  );
  return `
listen through
  mode tcp
  bind ${bind}
  option redispatch
  retries 3
  option httpchk GET /health/ready
${servers.join('\n')}`;
}

/** @returns the port of a HAProxy that is listening */
async function startHaproxy(sections: (bind: string) => string): Promise<number> {
  const { tls } = inject('services');
  const folder = await mkdtemp(join(tmpdir(), 'muster-haproxy-'));
  const port = await findFreePort();
  const [file, pem] = [join(folder, 'haproxy.cfg'), join(folder, 'both.pem')];
  const pair = await Promise.all([tls.certFile, tls.keyFile].map((name) => readFile(name, 'utf8')));
  await writeFile(pem, pair.map((text) => `${text.trim()}\n`).join(''), { mode: 0o600 });
  const configuration = sections(`127.0.0.1:${port}`).replace('CERTIFICATE', pem);
  await writeFile(
    file,
    `defaults\n  timeout connect 2s\n  timeout client 30s\n  timeout server 30s\n${configuration}\n`,
  );
  const child = spawn(findHaproxy() ?? 'haproxy', ['-db', '-f', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  }
  teardown.add(() => stopHaproxy(child, folder));
  await vi.waitFor(async () => {
    if (child.exitCode !== null) throw new Error(output.join(''));
    await new HttpsClient(`https://localhost:${port}`, pair[0]!).get('/health/live');
  }, 10_000);
  return port;
}

async function stopHaproxy(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
  await rm(folder, { recursive: true });
}
