import { hourOf } from '../envelope.js';
import type {
  NormalisedEvent,
  QuarantinedEvent,
  UnderstoodEvent,
  UnidentifiedEvent,
} from '../normalised-event.js';
import type { Products } from '../products/index.js';
import { RESOURCE_FIGURES, resourceFigures } from '../resource-figures.js';
import type { Snapshot } from '../report.js';

type Row = Record<string, unknown>;

/** Rows by the view of the schema `fleet` that shows them. */
export type Rows = Record<string, Row[]>;

/**
 * The rows that an event adds to the views of the schema `fleet`, with their columns; times are RFC 3339. Views that
 * are derived from other rows (`current_…`, the balance) are left out.
 */
export function rowsOf(event: NormalisedEvent, products: Products): Rows {
  if (event.fate === 'empty' || event.fate === 'suppressed' || event.fate === 'blocked') return {};
  if (event.fate === 'unidentified') return { quarantined_events: [unidentifiedOf(event)] };
  if (event.fate === 'quarantined') {
    return { installations: [installationOf(event)], quarantined_events: [quarantinedOf(event)] };
  }
  const { kind, clock } = event;
  return {
    installations: [installationOf(event)],
    reports: [{ ...baseOf(event), kind, clock }],
    ...readingsOf(event, event.snapshot, products),
    ...(event.resources && { resource_readings: [resourcesOf(event)] }),
    ...(event.defects.length > 0 && {
      defects: event.defects.map(({ path, reason, leftOut = 1 }) => ({
        ...{ ...baseOf(event), kind, path, reason },
        left_out: leftOut,
      })),
    }),
  };
}

function readingsOf(event: UnderstoodEvent, snapshot: Snapshot, products: Products): Rows {
  const base = baseOf(event);
  switch (snapshot.kind) {
    case 'health':
      return {
        health_readings: snapshot.units.map((unit, at) => ({
          ...{ ...base, unit, unit_type: snapshot.unitTypes[at] || null },
          ...{ total: snapshot.totals[at], unhealthy: snapshot.unhealthy[at] },
        })),
      };
    case 'packages':
      return {
        package_readings: snapshot.packages.map((name, at) => ({
          ...{ ...base, package: name, version: snapshot.versions[at] || null },
          instances: snapshot.instances[at],
        })),
      };
    case 'frameworks':
      return {
        framework_readings: snapshot.frameworks.map((framework, at) => ({
          ...{ ...base, framework, instances: snapshot.instances[at] },
        })),
      };
    case 'ui':
      return { ui_events: [visitOf(event, snapshot)] };
    case 'error':
      return { error_reports: [errorOf(event, snapshot)] };
    case 'metrics':
      return event.kind === 'metrics'
        ? { metric_readings: metricsOf(event, snapshot, products) }
        : usageOf(event, snapshot);
  }
}

type Of<K extends Snapshot['kind']> = Extract<Snapshot, { kind: K }>;

function visitOf(event: UnderstoodEvent, { action, path, appVersion }: Of<'ui'>): Row {
  const fields = { event: action, path: path || null, app_version: appVersion || null };
  return { ...occurrenceOf(event), ...fields, user_key: event.visitor?.userKey ?? null };
}

function errorOf(event: UnderstoodEvent, snapshot: Of<'error'>): Row {
  const { event: name, errorKind, fingerprint, message, occurrences } = snapshot;
  return {
    ...occurrenceOf(event),
    ...{ source: event.description.source, event: name, kind: errorKind || null, fingerprint },
    ...{ message: message || null, count: occurrences },
  };
}

function metricsOf(event: UnderstoodEvent, snapshot: Of<'metrics'>, products: Products): Row[] {
  const product = products.get(event.product);
  return metricValuesOf(snapshot).map((value) => {
    const unit = product?.unitOf(snapshot.event, value.metric) ?? null;
    return { ...baseOf(event), ...value, unit, is_known: unit !== null };
  });
}

function usageOf(event: UnderstoodEvent, snapshot: Of<'metrics'>): Rows {
  const { event: name, outcome } = snapshot;
  const fields = { source: event.description.source, event: name, outcome: outcome || null };
  const base = { ...occurrenceOf(event), ...fields };
  const values = metricValuesOf(snapshot);
  const durations = values.filter(({ metric }) => metric === 'duration_s');
  const duration_s =
    durations.length > 0 ? durations.reduce((sum, { value }) => sum + value, 0) : null;
  return {
    usage_events: [{ ...base, duration_s, counters: countersOf(values) }],
    ...(values.length > 0 && {
      usage_counters: values.map(({ metric: counter, ...rest }) => ({
        ...base,
        counter,
        ...rest,
      })),
    }),
  };
}

interface MetricValue {
  metric: string;
  dimension: string | null;
  value: number;
}

function metricValuesOf({ metrics, dimensions, figures }: Of<'metrics'>): MetricValue[] {
  return metrics.map((metric, at) => ({
    ...{ metric, dimension: dimensions[at] || null, value: figures[at] ?? 0 },
  }));
}

/** The values by metric; those with dimensions as an object. */
function countersOf(values: readonly MetricValue[]): Row {
  // Agents choose the names, which may be those of inherited members of objects.
  const counters = Object.create(null) as Record<string, number | Record<string, number>>;
  for (const { metric, dimension, value } of values) {
    if (dimension === null) counters[metric] ??= value;
    else {
      const counter = counters[metric];
      const types =
        typeof counter === 'object' ? counter : (Object.create(null) as Record<string, number>);
      types[dimension] = value;
      counters[metric] = types;
    }
  }
  return counters;
}

function resourcesOf(event: UnderstoodEvent): Row {
  const columns = resourceFigures.map((figure) => [
    RESOURCE_FIGURES[figure].column,
    event.resources?.[figure],
  ]);
  return { ...baseOf(event), ...(Object.fromEntries(columns) as Row) };
}

function installationOf(event: UnderstoodEvent | QuarantinedEvent): Row {
  const description = event.fate === 'stored' && event.describes ? event.description : null;
  const isOptedOut = event.fate === 'stored' && event.consent === 'opted_out';
  const seenAt = timeOf(event.observedAt);
  return {
    ...{ installation_id: event.installationId, product: event.product },
    ...{ version: description?.version ?? null, variant: description?.variant ?? null },
    ...{ provider: description?.provider ?? null, platform: description?.platform ?? null },
    ...{ source: description?.source ?? null },
    ...{
      customer_key: description?.customerKey ?? null,
      license_id: description?.licenseId ?? null,
    },
    ...{ first_seen_at: seenAt, last_seen_at: seenAt },
    ...{ opted_out: isOptedOut, opted_out_at: isOptedOut ? seenAt : null },
  };
}

function quarantinedOf(event: QuarantinedEvent): Row {
  const { installationId: installation_id, product, event: name, reason, path } = event;
  const received_at = timeOf(event.receivedAt);
  const row = { installation_id, product, received_at, event: name, reason, path };
  return { ...row, keys: null, event_count: 1, product_version: event.version };
}

function unidentifiedOf({ product, receivedAt, rejection, keys }: UnidentifiedEvent): Row {
  const received_at = timeOf(hourOf(receivedAt));
  const row = { installation_id: null, product, received_at, event: null, ...rejection };
  return { ...row, keys, event_count: 1, product_version: null };
}

function baseOf(event: UnderstoodEvent): Row {
  const { installationId: installation_id, product, description } = event;
  const times = { observed_at: timeOf(event.observedAt), received_at: timeOf(event.receivedAt) };
  return { installation_id, product, product_version: description.version, ...times };
}

function occurrenceOf(event: UnderstoodEvent): Row {
  const { observed_at: occurred_at, ...rest } = baseOf(event);
  return { ...rest, occurred_at };
}

function timeOf(time: number): string {
  return new Date(time).toISOString();
}
