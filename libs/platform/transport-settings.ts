import { AddressList } from './address-list.js';
import type { TlsFiles } from './tls.js';

/** How a server is reached: the settings that belong together, as they are read. */
export const TRANSPORT = {
  proxyProtocol: 'PROXY_PROTOCOL',
  keepAliveMs: 'KEEP_ALIVE_MS',
  drainMs: 'DRAIN_MS',
  stopTimeoutMs: 'STOP_TIMEOUT_MS',
} as const;

export const TRANSPORT_OPTIONAL = {
  trustedProxies: 'TRUSTED_PROXIES',
  certFile: 'TLS_CERT_FILE',
  keyFile: 'TLS_KEY_FILE',
} as const;

interface Transport {
  protocol: 'https' | 'http';
  certFile?: string;
  keyFile?: string;
  trustedProxies?: AddressList;
  proxyProtocol: 'on' | 'off';
  drainMs: number;
  stopTimeoutMs: number;
}

/** @returns a sentence for everything that one setting needs of another and does not find */
export function transportProblems(settings: Partial<Transport>): string[] {
  const { protocol, trustedProxies = AddressList.none, proxyProtocol, ...times } = settings;
  const { drainMs = 0, stopTimeoutMs = Infinity } = times;
  return [
    ...(protocol === 'https' ? missingFiles(settings) : []),
    ...(protocol === 'http' && trustedProxies.isEmpty
      ? ['Plain HTTP needs TRUSTED_PROXIES: the proxies that terminate TLS.']
      : []),
    ...(proxyProtocol === 'on' && trustedProxies.isEmpty
      ? ['PROXY_PROTOCOL needs TRUSTED_PROXIES: the proxies that send it.']
      : []),
    ...(drainMs >= stopTimeoutMs ? ['DRAIN_MS must be below STOP_TIMEOUT_MS.'] : []),
  ];
}

/** The settings, with the files of the certificate; plain HTTP has none. */
export function withTransport<T extends Transport>(settings: T) {
  const { protocol, certFile, keyFile, trustedProxies = AddressList.none } = settings;
  const isSecure = protocol === 'https' && certFile !== undefined && keyFile !== undefined;
  const tls: TlsFiles | undefined = isSecure ? { certFile, keyFile } : undefined;
  return { ...settings, trustedProxies, tls };
}

function missingFiles({ certFile, keyFile }: Partial<Transport>): string[] {
  const files = { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile };
  return Object.entries(files)
    .filter(([, file]) => file === undefined)
    .map(([name]) => `${name} is not set; it must be the path of a file.`);
}
