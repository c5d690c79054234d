import { safeKey } from '../privacy/keys.js';
import { containsText, containsValue } from '../privacy/redact.js';
import { asNonNegativeNumber } from '../readings.js';
import type { EventKind, ReadEvent } from '../report.js';
import { metricSnapshot } from '../report.js';
import { noResources, type ResourceFigures } from '../resource-figures.js';
import type { Defect, Properties } from '../vocabulary.js';
import type { ProductRules } from './rules.js';
import type { EventDeclaration, ResourceDeclaration } from './declaration.js';
import { readDeclared } from './declared.js';
import { MetricValues } from './metric-values.js';
import { MAX_BY_RESOURCE_UNIT } from './plausible.js';
import { readUndeclared } from './undeclared.js';

/**
 * Reads the metric values of a usage event or a report of metrics: declared ones as declared, and other numbers of
 * newer agents under their own names. A report without properties is empty; one without any value is unusable.
 */
export function metricReader(
  event: EventDeclaration,
  rules: ProductRules,
): Pick<EventKind, 'read' | 'knows' | 'ignores'> {
  const declared = new Map(
    (event.metrics ?? [])
      .filter((metric) => !metric.perEvent)
      .map((metric) => [metric.property ?? metric.name, metric]),
  );
  const known = new Set([...declared.keys(), ...rules.descriptive, event.outcome?.property]);
  // A property whose name is that of a metric with another property is not added to that metric.
  const names = new Set((event.metrics ?? []).map(({ name }) => name));
  const readOutcome = outcomeReader(event, (property) => declared.has(property));
  const readProperty = (key: string, raw: unknown, values: MetricValues) => {
    const metric = declared.get(key);
    if (metric) readDeclared(metric, raw, values);
    else if (known.has(key)) return;
    else if (rules.isIgnored(key)) {
      if (containsText(raw)) values.dropped.add(safeKey(key));
    } else if (!names.has(key)) readUndeclared(rules.nameOf(key), key, raw, values);
    else if (containsValue(raw)) values.dropped.add(safeKey(key));
  };
  return {
    knows: (key) => known.has(key),
    ignores: (key, value) =>
      !known.has(key) && (rules.isIgnored(key) || names.has(key) || Array.isArray(value)),
    read(properties, { event: name }) {
      const isReport = event.store === 'metrics';
      if (isReport && Object.keys(properties).length === 0)
        return { content: 'empty', defects: [] };
      const values = new MetricValues();
      for (const [key, raw] of Object.entries(properties)) readProperty(key, raw, values);
      const outcome = readOutcome(properties, values);
      countEvent(event, properties, outcome, values);
      return contentOf(event, name, properties, outcome, values);
    },
  };
}

/** Reads how an event ended; an empty text if it does not say so, or in a way that is not declared. */
function outcomeReader(
  { outcome: declared }: EventDeclaration,
  isMetric: (key: string) => boolean,
) {
  const outcomes = new Map(Object.entries(declared?.values ?? {}));
  return (properties: Properties, values: MetricValues): string => {
    if (declared === undefined) return '';
    const { property } = declared;
    const ended = properties[property];
    const outcome = outcomes.get(String(ended)) ?? '';
    if (outcome === '' && !isMetric(property) && containsValue(ended)) {
      values.dropped.add(safeKey(property));
    }
    return outcome;
  };
}

function contentOf(
  { store, describes = false, resources: declared, consent }: EventDeclaration,
  event: string,
  properties: Properties,
  outcome: string,
  values: MetricValues,
): ReadEvent {
  const { defects } = values;
  if (store === 'metrics' && values.isEmpty) return { content: null, defects };
  const snapshot = metricSnapshot({ event, outcome, describes, ...values.columns() });
  const resources = declared && readResources(declared, properties, defects);
  return {
    content: { snapshot, ...(resources && { resources }), ...(consent && { consent }) },
    defects,
    dropped: [...values.dropped].sort(),
  };
}

/** Adds the metrics that count the event itself, under its outcome if it has one. */
function countEvent(
  { metrics = [] }: EventDeclaration,
  properties: Properties,
  outcome: string,
  values: MetricValues,
): void {
  for (const { name, perEvent } of metrics) {
    if (perEvent === undefined) continue;
    if (perEvent !== true) {
      const number = asNonNegativeNumber(properties[perEvent.property], Infinity);
      if ('defect' in number || number.value <= perEvent.moreThan) continue;
    }
    values.add(name, outcome, 1);
  }
}

const BYTES_PER_MB = 1024 * 1024;

function readResources(
  declared: NonNullable<EventDeclaration['resources']>,
  properties: Properties,
  defects: Defect[],
): ResourceFigures | undefined {
  const values = noResources();
  let isAny = false;
  for (const [name, declaration] of Object.entries(declared)) {
    const value = readResource(declaration, properties, defects);
    if (value === null) continue;
    values[name as keyof typeof declared] = value;
    isAny = true;
  }
  return isAny ? values : undefined;
}

/** An invalid property is not recorded here, because reading it as a metric records the defect. */
function readResource(
  { property, minus, unit }: ResourceDeclaration,
  properties: Properties,
  defects: Defect[],
): number | null {
  const whole = asNonNegativeNumber(properties[property], MAX_BY_RESOURCE_UNIT[unit]);
  const part =
    minus === undefined ? { value: 0 } : asNonNegativeNumber(properties[minus], Infinity);
  if ('defect' in whole || 'defect' in part) return null;
  if (part.value > whole.value) {
    defects.push({ path: safeKey(minus ?? property), reason: 'out_of_range' });
    return null;
  }
  const value = whole.value - part.value;
  return unit === 'bytes' ? value / BYTES_PER_MB : value;
}
