import { isIdentifying, isVersion } from '../privacy/identifying.js';
import { asText } from '../readings.js';
import type { ReportContent } from '../report.js';
import { packageSnapshot } from '../report.js';
import type { Defect, DefectReason, Properties, Understood } from '../vocabulary.js';
import { isObject } from '../vocabulary.js';
import { countInstances } from './instances.js';
import { isUniversePackage } from './universe.js';

const MAX_NAME_LENGTH = 128;
const MAX_VERSION_LENGTH = 128;

const PACKAGE_NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/;

interface InstalledPackage {
  name: string;
  /** Empty if the agent sent none. */
  version: string;
}

/**
 * Reads a package_list event in the three forms of the agents: `[{name}]` (the documentation), `[{appId}]` (1.8), and
 * `[{appId, packageInformation: {packageDefinition: {name, version}}}]` (since 1.10).
 * An empty list means that nothing is installed; Go writes it as null.
 * Source: github.com/dcos/dcos-signal, the Cosmos report.
 */
export function readPackageList(properties: Properties): Understood<ReportContent | null> {
  const raw = Object.hasOwn(properties, 'package_list') ? properties.package_list : undefined;
  if (raw === undefined) return { content: null, defects: [] };
  if (raw !== null && !Array.isArray(raw)) {
    return { content: null, defects: [{ path: 'package_list', reason: 'not_a_list' }] };
  }
  const list: unknown[] = raw ?? [];
  const packages: InstalledPackage[] = [];
  const defects: Defect[] = [];
  for (const [index, item] of list.entries()) {
    const read = readPackage(item);
    if ('reason' in read) {
      defects.push({ path: `package_list[${index}]${read.path}`, reason: read.reason });
    } else packages.push(read);
  }
  if (packages.length === 0 && list.length > 0) return { content: null, defects };
  return { content: { snapshot: toSnapshot(packages) }, defects };
}

/** The name of a package, or null if it may identify a person or a place. */
export function packageName(text: string): string | null {
  return PACKAGE_NAME.test(text) && !isIdentifying(text) ? text : null;
}

/**
 * The package of an app id, or null. Users choose app ids freely; the default is the package's name (`/kafka`).
 */
export function packageOfAppId(text: string): string | null {
  const appId = text.trim();
  return isUniversePackage(appId) ? appId.replace(/^\//, '') : null;
}

function readPackage(item: unknown): InstalledPackage | Defect {
  if (!isObject(item)) return { path: '', reason: 'not_an_object' };
  const information = isObject(item.packageInformation) ? item.packageInformation : {};
  const definition = information.packageDefinition;
  if (isObject(definition)) {
    return readDefinition(definition, '.packageInformation.packageDefinition');
  }
  if (item.name !== undefined) return readDefinition({ name: item.name }, '');
  return readAppId(item.appId);
}

function readDefinition(definition: Properties, path: string): InstalledPackage | Defect {
  const name = asText(definition.name, MAX_NAME_LENGTH);
  if ('defect' in name) return { path: `${path}.name`, reason: name.defect };
  if (packageName(name.value) === null) return { path: `${path}.name`, reason: 'identifying' };
  const given = definition.version ?? '';
  if (given === '') return { name: name.value, version: '' }; // Go writes missing text as ""
  const version = asText(given, MAX_VERSION_LENGTH);
  if ('defect' in version) return { path: `${path}.version`, reason: version.defect };
  if (!isVersion(version.value)) {
    return { path: `${path}.version`, reason: 'malformed' };
  }
  return { name: name.value, version: version.value };
}

function readAppId(raw: unknown): InstalledPackage | Defect {
  const path = '.appId';
  const reason: DefectReason = 'not_a_package_name';
  if (typeof raw !== 'string') return { path, reason: 'not_text' };
  const name = packageOfAppId(raw);
  return name === null ? { path, reason } : { name, version: '' };
}

function toSnapshot(packages: InstalledPackage[]) {
  // asText has removed NUL from names and versions, so it can separate them here.
  const counted = countInstances(packages.map(({ name, version }) => `${name}\u0000${version}`));
  const split = counted.map(([key]) => key.split('\u0000') as [string, string]);
  return packageSnapshot({
    packages: split.map(([name]) => name),
    versions: split.map(([, version]) => version),
    instances: counted.map(([, instances]) => instances),
  });
}
