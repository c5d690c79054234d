import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
// A dependency of Vitest.
import { build, type Rolldown } from 'vite';
import { Teardown } from '#devservers';
import { findChromium } from '../../tools/install/ensure-chromium.mjs';

/** Tests may run as root and without a GPU, and must not contact other hosts. */
const FLAGS = [
  '--no-sandbox',
  '--headless',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The client was written for Browserify, which provides `global` and `require`. */
const PAGE = `<!doctype html>
<title>A product’s UI</title>
<script>var global = window, require;</script>
<script src="/page.js"></script>`;

type Json = ReturnType<typeof JSON.parse>;

/**
 * What a page can read of a response. If the browser hides it, the status is 0 and the text empty.
 */
export interface Seen {
  status: number;
  text: string;
  /** Present if the response has it and the page may read it. */
  retryAfter?: string;
}

interface Settings {
  apiHost: string;
  apiKey: string;
}

// Defined by ui-page.mjs in the page.
declare const initialize: (settings: Settings) => void;
declare const report: (method: string, args: unknown[]) => Promise<Seen & { body: Json }>;

// Provided by the browser.
declare const navigator: { sendBeacon(url: string, body: Blob): boolean };

export type UiBrowser = Awaited<ReturnType<typeof startBrowser>>;

/** Starts a Chromium with its own profile, and a server for the page. */
export async function startBrowser() {
  const teardown = new Teardown();
  try {
    const pageUrl = await servePage(teardown);
    const browser = await launch(teardown);
    return {
      /** A new visitor opens the page, whose client reports to `https://<apiHost>`. */
      visit: (apiHost: string, apiKey: string) => visit(browser, pageUrl, { apiHost, apiKey }),
      stop: () => teardown.run(),
    };
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

async function launch(teardown: Teardown): Promise<Browser> {
  const executablePath = findChromium();
  if (!executablePath)
    throw new Error('Chromium is missing from the PATH. Run npm test, which installs it.');
  // Chromium writes to HOME in addition to its profile.
  const home = await mkdtemp(join(tmpdir(), 'muster-chromium-'));
  // Helper processes may exit slightly later than Chromium.
  teardown.add(() => rm(home, { recursive: true, maxRetries: 5 }));
  const env = { PATH: process.env.PATH, HOME: home };
  const browser = await chromium.launch({ executablePath, args: FLAGS, env });
  teardown.add(() => browser.close());
  return browser;
}

/**
 * Opens one of our pages in a separate Chromium, which sends the password when the server asks for
 * it.
 */
export async function openPage(url: string, password: { username: string; password: string }) {
  const teardown = new Teardown();
  try {
    const browser = await launch(teardown);
    const page = await browser.newPage({ ignoreHTTPSErrors: true, httpCredentials: password });
    const hosts = new Set<string>();
    const errors: string[] = [];
    page.on('request', (request) => hosts.add(new URL(request.url()).host));
    page.on('console', (line) => line.type() === 'error' && errors.push(line.text()));
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(url);
    return {
      /** Waits for a text, and returns all text of the page. */
      textOnce: async (text: string) => {
        await page.getByText(text).first().waitFor();
        return page.innerText('body');
      },
      /** The hosts of all requests. */
      get hosts() {
        return [...hosts];
      },
      /** Console errors and uncaught exceptions. */
      errors,
      close: () => teardown.run(),
    };
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

/** `page`, `track` and `identify` are the client's methods. They resolve with its response. */
async function visit(browser: Browser, pageUrl: string, settings: Settings) {
  const page = await browser.newPage({ ignoreHTTPSErrors: true });
  await page.goto(pageUrl);
  await page.evaluate((settings) => initialize(settings), settings);
  const call =
    (method: string) =>
    (...args: unknown[]) =>
      page.evaluate(({ method, args }) => report(method, args), { method, args });
  return {
    page: call('page'),
    track: call('track'),
    identify: call('identify'),
    fetch: (url: string, init: RequestInit) => fetchIn(page, url, init),
    beacon: (url: string, body: string, type: string) => beaconIn(page, { url, body, type }),
  };
}

/** `fetch` in the page. @throws if the browser blocks the request or the response */
function fetchIn(page: Page, url: string, init: RequestInit): Promise<Seen> {
  return page.evaluate(
    async ({ url, init }) => {
      const answer = await fetch(url, init);
      const retryAfter = answer.headers.get('retry-after');
      const seen = { status: answer.status, text: await answer.text() };
      return retryAfter === null ? seen : { ...seen, retryAfter };
    },
    { url, init },
  );
}

/** Sends a beacon, as pages do when they close. A page cannot read the response. */
function beaconIn(page: Page, beacon: { url: string; body: string; type: string }) {
  return page.evaluate(
    ({ url, body, type }) => navigator.sendBeacon(url, new Blob([body], { type })),
    beacon,
  );
}

/** @returns the URL of the page. Its origin differs from that of ingest, so CORS applies. */
async function servePage(teardown: Teardown): Promise<string> {
  const script = await bundle();
  const server = createServer(({ url }, response) => {
    const [type, text] = url === '/page.js' ? ['text/javascript', script] : ['text/html', PAGE];
    response.setHeader('content-type', `${type}; charset=utf-8`).end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  teardown.add(async () => {
    const closed = once(server, 'close');
    server.close().closeAllConnections();
    await closed;
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function bundle(): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'warn',
    build: {
      write: false,
      minify: false,
      rolldownOptions: { input: 'test/support/ui-page.mjs', output: { format: 'iife' } },
    },
  });
  return (result as Rolldown.RolldownOutput).output[0].code;
}
