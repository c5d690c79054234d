import type { EventDeclaration, MetricDeclaration, ProductDeclaration } from './declaration.js';
import { maxFor } from './plausible.js';

/** Generates the docs of declarations: every event, and every metric with its unit. */
export function catalogueMarkdown(declarations: readonly ProductDeclaration[]): string {
  return [
    '# Events and metrics',
    '',
    'Generated from the declarations by `npm run docs`. The view `fleet.metric_catalogue` has the same content.',
    ...declarations.flatMap(productLines),
    '',
  ].join('\n');
}

function productLines({ product, about, events, unknownEvents }: ProductDeclaration): string[] {
  const unknown =
    unknownEvents === 'quarantined'
      ? 'Events that are not listed here are quarantined.'
      : 'Events that are not listed here are stored as usage events, with their numbers.';
  return [
    '',
    `## ${product}`,
    '',
    `${about} ${unknown}`,
    '',
    optOutNote(events),
    ...Object.entries(events).flatMap(eventLines),
  ];
}

/** Every product has `opted_out` and `opted_in`. */
function optOutNote(events: ProductDeclaration['events']): string {
  const namesOf = (consent: EventDeclaration['consent']) => {
    const declared = Object.entries(events).filter(([, event]) => event.consent === consent);
    const names = new Set([...declared.map(([name]) => name), `${consent}`]);
    return [...names].map((name) => `\`${name}\``).join(' or ');
  };
  return (
    `After ${namesOf('opted_out')} all other events of the installation are counted as \`opted_out\` and ` +
    `not stored, until ${namesOf('opted_in')} (see [kinds.md](kinds.md)).`
  );
}

const VIEWS: Record<EventDeclaration['store'], string> = {
  metrics: '`fleet.metric_readings`',
  usage: '`fleet.usage_events`',
  error: '`fleet.error_reports`',
};

function eventLines([name, event]: [string, EventDeclaration]): string[] {
  const { about, store, metrics = [], outcome, consent } = event;
  const notes = [
    `${about} In ${VIEWS[store]}.`,
    ...(outcome ? [`Outcomes: ${Object.values(outcome.values).join(', ')}.`] : []),
    ...(consent ? [`It marks the installation as ${consent.replace('_', ' ')}.`] : []),
    ...(event.resources
      ? ['The resources of its machine are also in `fleet.resource_readings`.']
      : []),
  ];
  const lines = ['', `### \`${name}\``, '', notes.join(' ')];
  if (metrics.length === 0) return lines;
  const head = [
    '',
    '| metric | kind | unit | at most | since | |',
    '| --- | --- | --- | --- | --- | --- |',
  ];
  return [...lines, ...head, ...metrics.map(metricLine)];
}

function metricLine(metric: MetricDeclaration): string {
  const { name, kind, unit, since = '', about, property, types, perEvent } = metric;
  const notes = [
    about,
    ...(property ? [`From \`${property}\`.`] : []),
    ...(types ? [`One of ${types.map((type) => `\`${type}\``).join(', ')}.`] : []),
    ...(perEvent ? [perEventNote(perEvent)] : []),
  ];
  const max = perEvent ? '' : maxNote(metric);
  const cells = [`\`${name}\``, kind, unit, max, since.replace('<', '\\<'), notes.join(' ')];
  return `| ${cells.join(' | ')} |`;
}

/** The largest plausible value. A larger one is a defect, `out_of_range`. */
function maxNote(metric: MetricDeclaration): string {
  const max = maxFor(metric);
  if (metric.kind === 'flag') return '';
  if (metric.kind === 'date') return new Date(max * 1000).toISOString().slice(0, 10);
  const exponent = Math.log2(max);
  if (exponent >= 40 && Number.isInteger(exponent)) return `2^${exponent}`;
  return max.toLocaleString('en-US');
}

function perEventNote(perEvent: NonNullable<MetricDeclaration['perEvent']>): string {
  if (perEvent === true) return '1 per event.';
  return `1 per event whose \`${perEvent.property}\` is more than ${perEvent.moreThan}.`;
}
