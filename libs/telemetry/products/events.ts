import { safeKey } from '../privacy/keys.js';
import { holdsText } from '../privacy/redact.js';
import { asFigure } from '../readings.js';
import type { EventKind, ReadEvent, ResourceFigures } from '../report.js';
import { metricSnapshot, noResources } from '../report.js';
import type { Defect, Properties } from '../vocabulary.js';
import type { ProductRules } from './compile.js';
import type { EventDeclaration, ResourceDeclaration } from './declaration.js';
import { readDeclared } from './declared.js';
import { Figures } from './figures.js';
import { MOST_OF_RESOURCE } from './plausible.js';
import { readUndeclared } from './undeclared.js';

/**
 * Reads the figures of a usage event or of a report of metrics: those that are declared as they are
 * declared, and all other numbers under their own names, for agents get newer. An event that holds no
 * property at all is empty; one of metrics without any figure has nothing usable.
 */
export function figureReader(
  event: EventDeclaration,
  rules: ProductRules,
): Pick<EventKind, 'read' | 'knows' | 'ignores'> {
  const declared = new Map(
    (event.metrics ?? [])
      .filter((metric) => !metric.perEvent)
      .map((metric) => [metric.property ?? metric.name, metric]),
  );
  const known = new Set([...declared.keys(), ...rules.descriptive, event.outcome?.property]);
  // A property with the name of a metric that is read elsewhere is not added to it.
  const names = new Set((event.metrics ?? []).map(({ name }) => name));
  const outcomes = new Map(Object.entries(event.outcome?.values ?? {}));
  return {
    knows: (key) => known.has(key),
    ignores: (key, value) => !known.has(key) && (rules.isIgnored(key) || Array.isArray(value)),
    read(properties, { event: name }) {
      const isReport = event.store === 'metrics';
      if (isReport && Object.keys(properties).length === 0)
        return { content: 'empty', defects: [] };
      const figures = new Figures();
      for (const [key, raw] of Object.entries(properties)) {
        const metric = declared.get(key);
        if (metric) readDeclared(metric, raw, figures);
        else if (known.has(key)) continue;
        else if (!rules.isIgnored(key) && !names.has(key)) {
          readUndeclared(rules.nameOf(key), key, raw, figures);
        } else if (holdsText(raw)) figures.dropped.add(safeKey(key));
      }
      const ended = event.outcome && properties[event.outcome.property];
      const outcome = outcomes.get(String(ended)) ?? '';
      if (outcome === '' && holdsText(ended)) {
        figures.dropped.add(safeKey(event.outcome?.property ?? ''));
      }
      countEvent(event, properties, outcome, figures);
      return contentOf(event, name, properties, outcome, figures);
    },
  };
}

function contentOf(
  { store, describes = false, resources: declared, consent }: EventDeclaration,
  event: string,
  properties: Properties,
  outcome: string,
  figures: Figures,
): ReadEvent {
  const { defects } = figures;
  if (store === 'metrics' && figures.isEmpty) return { content: null, defects };
  const snapshot = metricSnapshot({ event, outcome, describes, ...figures.columns() });
  const resources = declared && readResources(declared, properties, defects);
  return {
    content: { snapshot, ...(resources && { resources }), ...(consent && { consent }) },
    defects,
    dropped: [...figures.dropped].sort(),
  };
}

/** Adds the metrics that count the event itself, under its outcome where it has one. */
function countEvent(
  { metrics = [] }: EventDeclaration,
  properties: Properties,
  outcome: string,
  figures: Figures,
): void {
  for (const { name, perEvent } of metrics) {
    if (perEvent === undefined) continue;
    if (perEvent !== true) {
      const figure = asFigure(properties[perEvent.property], Infinity);
      if ('defect' in figure || figure.value <= perEvent.moreThan) continue;
    }
    figures.add(name, outcome, 1);
  }
}

const BYTES_PER_MB = 1024 * 1024;

function readResources(
  declared: NonNullable<EventDeclaration['resources']>,
  properties: Properties,
  defects: Defect[],
): ResourceFigures | undefined {
  const figures = noResources();
  let isAny = false;
  for (const [name, declaration] of Object.entries(declared)) {
    const value = readResource(declaration, properties, defects);
    if (value === null) continue;
    figures[name as keyof typeof declared] = value;
    isAny = true;
  }
  return isAny ? figures : undefined;
}

/** A property that makes no sense is a defect already where it is read as a figure. */
function readResource(
  { property, minus, unit }: ResourceDeclaration,
  properties: Properties,
  defects: Defect[],
): number | null {
  const whole = asFigure(properties[property], MOST_OF_RESOURCE[unit]);
  const part = minus === undefined ? { value: 0 } : asFigure(properties[minus], Infinity);
  if ('defect' in whole || 'defect' in part) return null;
  if (part.value > whole.value) {
    defects.push({ path: safeKey(minus ?? property), reason: 'out_of_range' });
    return null;
  }
  const value = whole.value - part.value;
  return unit === 'bytes' ? value / BYTES_PER_MB : value;
}
