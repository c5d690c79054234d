/** Senders whose name and version are counted: client libraries of the dialects, and HTTP libraries. */
const LIBRARIES = [
  'analytics-dotnet',
  'analytics-go',
  'analytics-java',
  'analytics-node',
  'analytics-php',
  'analytics-python',
  'analytics-ruby',
  'apache-httpclient',
  'axios',
  'curl',
  'dcos-signal',
  'go-http-client',
  'guzzlehttp',
  'java',
  'java-http-client',
  'node',
  'node-fetch',
  'okhttp',
  'octopus',
  'posthog-android',
  'posthog-dotnet',
  'posthog-elixir',
  'posthog-go',
  'posthog-ios',
  'posthog-java',
  'posthog-js',
  'posthog-node',
  'posthog-php',
  'posthog-python',
  'posthog-ruby',
  'python-httpx',
  'python-requests',
  'python-urllib',
  'resoto',
  'ruby',
  'undici',
  'wget',
] as const;

/** `name/1.2.3`, or as Segment's Go and Java clients write it: `name (version: 1.2.3)`. */
const NAMED = /^([A-Za-z][\w.-]{0,40})(?:\/v?| \(version: )(\d{1,5}(?:\.\d{1,5}){0,3})(?![\w.])/;

/**
 * Name and version of the library that sent a request. A User-Agent is free text: only the names above and those
 * of products pass, and of a version only numbers.
 */
export class Agents {
  readonly #names: ReadonlySet<string>;

  constructor(products: Iterable<string>) {
    this.#names = new Set([...LIBRARIES, ...products]);
  }

  /** `name/version`, `browser`, `none`, or `other`. */
  nameOf(userAgent: string | undefined): string {
    if (!userAgent) return 'none';
    if (userAgent.startsWith('Mozilla/')) return 'browser';
    const [, name = '', version = ''] = NAMED.exec(userAgent.slice(0, 120)) ?? [];
    const known = name.toLowerCase();
    return this.#names.has(known) ? `${known}/${version}` : 'other';
  }
}
