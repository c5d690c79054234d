import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
// It comes with Vitest.
import { build, type Rolldown } from 'vite';
import { Teardown } from '#devservers';
import { findChromium } from '../../tools/install/ensure-chromium.mjs';

/** Tests may run as root and without a GPU, and nobody but us is to be called. */
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

/** The client was written for Browserify, which gives each module a `global` and a `require`. */
const PAGE = `<!doctype html>
<title>A product’s UI</title>
<script>var global = window, require;</script>
<script src="/page.js"></script>`;

type Json = ReturnType<typeof JSON.parse>;

/** What a page can read of an answer; status 0 and no text where the browser hides it. */
export interface Seen {
  status: number;
  text: string;
  /** Where there is one, and the page may read it. */
  retryAfter?: string;
}

interface Settings {
  apiHost: string;
  apiKey: string;
}

// Of ui-page.mjs, in the page.
declare const initialize: (settings: Settings) => void;
declare const report: (method: string, args: unknown[]) => Promise<Seen & { body: Json }>;

// Of the page's own.
declare const navigator: { sendBeacon(url: string, body: Blob): boolean };

export type UiBrowser = Awaited<ReturnType<typeof startBrowser>>;

/** Starts a Chromium with a profile of its own, and a server of the page that it is to show. */
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
  if (!executablePath) throw new Error('There is no Chromium on the PATH; npm test brings one.');
  // The profile is elsewhere and its own; but Chromium also writes to the home of whoever starts it.
  const home = await mkdtemp(join(tmpdir(), 'muster-chromium-'));
  // Its helpers may end a moment after it.
  teardown.add(() => rm(home, { recursive: true, maxRetries: 5 }));
  const env = { PATH: process.env.PATH, HOME: home };
  const browser = await chromium.launch({ executablePath, args: FLAGS, env });
  teardown.add(() => browser.close());
  return browser;
}

/** Opens a page of our own in a Chromium of its own, which answers with the password when it is asked. */
export async function openPage(url: string, password: { username: string; password: string }) {
  const teardown = new Teardown();
  try {
    const browser = await launch(teardown);
    const page = await browser.newPage({ ignoreHTTPSErrors: true, httpCredentials: password });
    const hosts = new Set<string>();
    const troubles: string[] = [];
    page.on('request', (request) => hosts.add(new URL(request.url()).host));
    page.on('console', (line) => line.type() === 'error' && troubles.push(line.text()));
    page.on('pageerror', (error) => troubles.push(error.message));
    await page.goto(url);
    return {
      /** All that can be read, once this can. */
      textOnce: async (text: string) => {
        await page.getByText(text).first().waitFor();
        return page.innerText('body');
      },
      /** Whom it has asked for anything. */
      get hosts() {
        return [...hosts];
      },
      /** What it complains of. */
      troubles,
      close: () => teardown.run(),
    };
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

/** `page`, `track` and `identify` are the client's own; they resolve when it has heard an answer. */
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

/** The page's own fetch. @throws when the browser refuses to send it or to show the answer */
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

/** Sends what a page sends when it is left. No page can read an answer to it. */
function beaconIn(page: Page, beacon: { url: string; body: string; type: string }) {
  return page.evaluate(
    ({ url, body, type }) => navigator.sendBeacon(url, new Blob([body], { type })),
    beacon,
  );
}

/** @returns the URL of the page; its origin is not the one it reports to, so that CORS applies */
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
