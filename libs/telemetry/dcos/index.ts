import type { InstallationDescription, ProductDeclaration } from '../report.js';
import type { Defect, Properties, Understood } from '../vocabulary.js';
import { readHealth } from './health.js';
import { readPackageList } from './packages.js';
import { readMesosTrack } from './resources.js';
import { readUiEvent } from './ui.js';

const DESCRIPTION = [
  'variant',
  'provider',
  'platform',
  'source',
  'customerKey',
  'licenseId',
] as const;

/**
 * Every field of the description is a short token. Anything else is not what it should be: with a
 * missing file, 1.7 sends the text of the error in the key's place.
 */
const TOKEN = /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,127}$/;

/** The DC/OS family: dcos-signal 1.7 to 2.1 and the web UI. */
export const dcos: ProductDeclaration = {
  product: 'dcos',
  events: {
    health: { kind: 'health', read: readHealth },
    mesos_track: { kind: 'mesos_track', read: readMesosTrack },
    package_list: { kind: 'package_list', read: readPackageList },
    page: { kind: 'ui', read: readUiEvent('page_view') },
    identify: { kind: 'ui', read: readUiEvent('identify') },
    dcos_login: { kind: 'ui', read: readUiEvent('login') },
    dcos_logout: { kind: 'ui', read: readUiEvent('logout') },
  },
  describe: (kind, properties) => (kind === 'ui' ? null : describeCluster(properties)),
  versionOf: (properties, envelopeVersion) =>
    asToken(properties.environmentVersion) ??
    asToken(properties.version) ??
    asToken(envelopeVersion),
};

function describeCluster(
  properties: Properties,
): Understood<Omit<InstallationDescription, 'version'>> {
  const content = {} as Record<(typeof DESCRIPTION)[number], string | null>;
  const defects: Defect[] = [];
  for (const key of DESCRIPTION) {
    content[key] = asToken(properties[key]);
    checkToken(key);
  }
  checkToken('environmentVersion');
  return { content, defects };

  function checkToken(key: string): void {
    const raw = properties[key];
    if (raw === undefined || raw === null || isBlank(raw) || asToken(raw) !== null) return;
    defects.push({ path: key, reason: typeof raw === 'string' ? 'malformed' : 'not_text' });
  }
}

function asToken(raw: unknown): string | null {
  if (typeof raw !== 'string') return null;
  const trimmed = raw.trim();
  return TOKEN.test(trimmed) ? trimmed : null;
}

function isBlank(raw: unknown): boolean {
  return typeof raw === 'string' && raw.trim() === '';
}
