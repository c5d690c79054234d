import type { EventDeclaration, MetricDeclaration, ProductDeclaration } from './declaration.js';
import { mostOf } from './plausible.js';

/** The docs of products' declarations: what each event tells, and every metric with its unit. */
export function catalogueMarkdown(declarations: readonly ProductDeclaration[]): string {
  return [
    '# Events and metrics',
    '',
    'Made from the declarations by `npm run docs`. The same stands in `fleet.metric_catalogue`.',
    ...declarations.flatMap(productLines),
    '',
  ].join('\n');
}

function productLines({ product, about, events, unknownEvents }: ProductDeclaration): string[] {
  const unknown =
    unknownEvents === 'quarantined'
      ? 'Events that are not listed here are quarantined.'
      : 'Events that are not listed here are kept as usage events, with their figures.';
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
    ...(outcome ? [`Its outcome is ${Object.values(outcome.values).join(' or ')}.`] : []),
    ...(consent ? [`It marks the installation as ${consent.replace('_', ' ')}.`] : []),
    ...(event.resources ? ['Its machine’s figures are in `fleet.resource_readings`, too.'] : []),
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
  const most = perEvent ? '' : mostNote(metric);
  const cells = [`\`${name}\``, kind, unit, most, since.replace('<', '\\<'), notes.join(' ')];
  return `| ${cells.join(' | ')} |`;
}

/** The largest plausible figure; above it a reading is a defect, `out_of_range`. */
function mostNote(metric: MetricDeclaration): string {
  const most = mostOf(metric);
  if (metric.kind === 'flag') return '';
  if (metric.kind === 'date') return new Date(most * 1000).toISOString().slice(0, 10);
  const exponent = Math.log2(most);
  if (exponent >= 40 && Number.isInteger(exponent)) return `2^${exponent}`;
  return most.toLocaleString('en-US');
}

function perEventNote(perEvent: NonNullable<MetricDeclaration['perEvent']>): string {
  if (perEvent === true) return '1 for each event.';
  return `1 for each event whose \`${perEvent.property}\` is more than ${perEvent.moreThan}.`;
}
