import { isIdentifying } from '../privacy/identifying.js';
import { words } from '../privacy/words.js';
import { asCount, asNonNegativeNumber, asText } from '../readings.js';
import type { FrameworkSnapshot, ReportContent } from '../report.js';
import { frameworkSnapshot } from '../report.js';
import {
  noResources,
  RESOURCE_FIGURES,
  type ResourceFigure,
  type ResourceFigures,
} from '../resource-figures.js';
import type { Defect, Properties, Understood } from '../vocabulary.js';
import { isObject } from '../vocabulary.js';
import { countInstances } from './instances.js';
import { isUniversePackage } from './universe.js';

/** Readers by unit, with the largest plausible values: far above any cluster's, and far below "no limit". */
const READERS = {
  cores: (raw: unknown) => asNonNegativeNumber(raw, 1e7),
  percent: (raw: unknown) => asNonNegativeNumber(raw, 1e6),
  MB: (raw: unknown) => asNonNegativeNumber(raw, 2 ** 40),
  1: asCount,
};

/** The agent's key of each resource. Memory and disk are in megabytes; CPUs may be fractions. */
const KEYS: Partial<Record<ResourceFigure, string>> = {
  cpuTotal: 'cpu_total',
  cpuUsed: 'cpu_used',
  memTotalMb: 'mem_total',
  memUsedMb: 'mem_used',
  diskTotalMb: 'disk_total',
  diskUsedMb: 'disk_used',
  agentsActive: 'agents_active',
  agentsConnected: 'agents_connected',
  taskCount: 'task_count',
  frameworkCount: 'framework_count',
};
const RESOURCES = (Object.entries(KEYS) as [ResourceFigure, string][]).map(
  ([figure, key]) => [figure, key, READERS[RESOURCE_FIGURES[figure].unit]] as const,
);

/** How each property with a resource is read. */
export const resourceReaders = new Map(RESOURCES.map(([, key, read]) => [key, read]));

const MAX_FRAMEWORK_LENGTH = 256;
const FRAMEWORK_NAME = /^[\p{L}\p{N}][\p{L}\p{N}._+():-]*$/u;

/**
 * The name of a framework, or null if it may identify a person or a place. Applications choose names freely; one with
 * blanks is kept if all its words are known (`Jenkins Scheduler`).
 */
export function frameworkName(text: string): string | null {
  const parts = text.toLowerCase().split(' ');
  const isName =
    FRAMEWORK_NAME.test(text) || parts.every((part) => words.has(part) || isUniversePackage(part));
  return isName && !isIdentifying(text) ? text : null;
}

/**
 * Reads a mesos_track event: the cluster's resources and the names of its frameworks.
 * Source: github.com/dcos/dcos-signal, the Mesos report.
 */
export function readMesosTrack(properties: Properties): Understood<ReportContent | null> {
  const resources = readResources(properties);
  const frameworks = readFrameworks(properties.frameworks);
  const defects = [...resources.defects, ...frameworks.defects];
  const isUsable =
    Object.values(resources.content).some((value) => value !== null) ||
    frameworks.content.frameworks.length > 0;
  return {
    content: isUsable ? { snapshot: frameworks.content, resources: resources.content } : null,
    defects,
  };
}

function readResources(properties: Properties): Understood<ResourceFigures> {
  const resources = noResources();
  const defects: Defect[] = [];
  for (const [name, key, read] of RESOURCES) {
    if (!Object.hasOwn(properties, key)) continue;
    const reading = read(properties[key]);
    if ('defect' in reading) defects.push({ path: key, reason: reading.defect });
    else resources[name] = reading.value;
  }
  return { content: resources, defects };
}

/** Go writes an empty list as null, so null means a cluster without frameworks. */
function readFrameworks(raw: unknown): Understood<FrameworkSnapshot> {
  const names: string[] = [];
  const defects: Defect[] = [];
  if (raw !== undefined && raw !== null && !Array.isArray(raw)) {
    defects.push({ path: 'frameworks', reason: 'not_a_list' });
  }
  const list: unknown[] = Array.isArray(raw) ? raw : [];
  for (const [index, framework] of list.entries()) {
    const name = asText(isObject(framework) ? framework.name : undefined, MAX_FRAMEWORK_LENGTH);
    const path = `frameworks[${index}].name`;
    if ('defect' in name) defects.push({ path, reason: name.defect });
    else if (frameworkName(name.value) === null) defects.push({ path, reason: 'identifying' });
    else names.push(name.value);
  }
  const counted = countInstances(names);
  const content = frameworkSnapshot({
    frameworks: counted.map(([name]) => name),
    instances: counted.map(([, instances]) => instances),
  });
  return { content, defects };
}
