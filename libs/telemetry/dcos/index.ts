import { isVersion } from '../privacy/identifying.js';
import { isEventName, safeKey } from '../privacy/keys.js';
import { maxAnonymous } from '../privacy/number-names.js';
import { containsValue } from '../privacy/redact.js';
import { asCustomerKey, asToken, asVersion } from '../privacy/tokens.js';
import { consentKinds } from '../products/compile.js';
import { asCount, isNotFinite } from '../readings.js';
import type {
  EventKind,
  EventReader,
  InstallationDescription,
  Product,
  ReportKind,
} from '../report.js';
import type { Cadence } from '../products/declaration.js';
import type { Defect, Properties, Understood } from '../vocabulary.js';
import { parseUnitKey, readHealth } from './health.js';
import { packageName, packageOfAppId, readPackageList } from './packages.js';
import { frameworkName, readMesosTrack, resourceReaders } from './resources.js';
import { readUiEvent, uiPath } from './ui.js';

/**
 * How each property that describes a cluster is read. Other text is dropped: if a file is missing, 1.7 sends the error
 * message instead of the customer key.
 */
const DESCRIPTION = {
  environmentVersion: asVersion,
  variant: asToken,
  provider: asToken,
  platform: asToken,
  source: asToken,
  customerKey: asCustomerKey,
  licenseId: asCustomerKey,
} satisfies Record<string, (raw: unknown) => string | null>;

/** The installation's ids, which the dialect has read. */
const IDS = ['clusterId', 'anonymousId'];

const asCountText = (text: string) => ('value' in asCount(text) ? text : null);
const asVersionOfPackage = (text: string) => (isVersion(text) ? text : null);

const resourceTexts = [...resourceReaders].map(
  ([key, read]) => [key, (text: string) => ('value' in read(text) ? text : null)] as const,
);

/** The text to keep, by path. Of units and resources, numbers sent as text are kept. */
const TEXT: Record<string, (text: string) => string | null> = {
  ...DESCRIPTION,
  ...Object.fromEntries(resourceTexts),
  version: asVersion,
  appVersion: asVersion,
  path: uiPath,
  'frameworks[].name': frameworkName,
  'package_list[].name': packageName,
  'package_list[].appId': packageOfAppId,
  'package_list[].packageInformation.packageDefinition.name': packageName,
  'package_list[].packageInformation.packageDefinition.version': asVersionOfPackage,
};

const KNOWN = new Set([...Object.keys(TEXT).map((path) => path.replace(/\[.*/, '')), ...IDS]);

function keepText(path: string, text: string): string | null {
  const rule = Object.hasOwn(TEXT, path) ? TEXT[path] : undefined;
  if (rule) return rule(text);
  return parseUnitKey(path) === null ? null : asCountText(text);
}

function knows(key: string): boolean {
  if (KNOWN.has(key)) return true;
  // The sender chooses the names of units, so a number under one may identify a person.
  return parseUnitKey(key)?.defect === null && maxAnonymous(key) === Infinity;
}

function ignores(key: string): boolean {
  return !KNOWN.has(key) && parseUnitKey(key) === null;
}

/** Drops undocumented properties, and records their names. */
function withDropped(read: EventReader): EventReader {
  return (properties, envelope) => {
    const understood = read(properties, envelope);
    const dropped = [];
    const defects = [];
    for (const key in properties) {
      if (!ignores(key)) continue;
      const value = properties[key];
      if (isNotFinite(value)) defects.push({ path: safeKey(key), reason: 'not_a_number' } as const);
      else if (containsValue(value)) dropped.push(safeKey(key));
    }
    if (defects.length > 0) understood.defects.push(...defects);
    return dropped.length > 0
      ? { ...understood, dropped: [...new Set(dropped)].sort() }
      : understood;
  };
}

function eventKind(kind: ReportKind, read: EventReader): EventKind {
  return { kind, read: withDropped(read), describes: kind !== 'ui', keepText, knows, ignores };
}

const EVENTS = new Map<string, EventKind>(
  Object.entries({
    ...consentKinds('dcos'),
    health: eventKind('health', readHealth),
    mesos_track: eventKind('mesos_track', readMesosTrack),
    package_list: eventKind('package_list', readPackageList),
    page: eventKind('ui', readUiEvent('page_view')),
    identify: eventKind('ui', readUiEvent('identify')),
    dcos_login: eventKind('ui', readUiEvent('login')),
    dcos_logout: eventKind('ui', readUiEvent('logout')),
  }),
);

/**
 * Each master reports every hour. Two days, because a cluster may be upgraded or offline for a day.
 */
export const dcosCadence: Cadence = { every: 'hour', silentAfterDays: 2 };

/** The DC/OS family: dcos-signal 1.7 to 2.1 and the web UI. */
export const dcos: Product = {
  product: 'dcos',
  find: (event) => EVENTS.get(event) ?? null,
  keepsName: (event) => EVENTS.has(event) || isEventName(event),
  unitOf: () => null,
  describe: describeCluster,
};

function describeCluster(
  properties: Properties,
  envelopeVersion: string | undefined,
): Understood<InstallationDescription> {
  const defects: Defect[] = [];
  const read = (key: keyof typeof DESCRIPTION): string | null => {
    const raw = properties[key];
    if (raw === undefined || raw === null || isBlank(raw)) return null;
    const value = DESCRIPTION[key](raw);
    if (value === null) {
      defects.push({ path: key, reason: typeof raw === 'string' ? 'malformed' : 'not_text' });
    }
    return value;
  };
  if (envelopeVersion && asVersion(envelopeVersion) === null) {
    defects.push({ path: 'version', reason: 'malformed' });
  }
  const content = {
    variant: read('variant'),
    provider: read('provider'),
    platform: read('platform'),
    source: read('source'),
    customerKey: read('customerKey'),
    licenseId: read('licenseId'),
    version:
      read('environmentVersion') ?? asVersion(properties.version) ?? asVersion(envelopeVersion),
  };
  return { content, defects };
}

function isBlank(raw: unknown): boolean {
  return typeof raw === 'string' && raw.trim() === '';
}
