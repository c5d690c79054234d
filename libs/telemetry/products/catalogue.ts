import { dcos, dcosCadence } from '../dcos/index.js';
import type { Cadence, EventDeclaration, MetricKind, ProductDeclaration } from './declaration.js';

/** A declared metric, as shown in the database and the docs. */
export interface CatalogueEntry {
  product: string;
  event: string;
  /** Whether the event is a report of metrics, or something that happened. */
  store: EventDeclaration['store'];
  metric: string;
  kind: MetricKind;
  unit: string;
  /** The product's version in which it first appeared; empty if unknown. */
  since: string;
  about: string;
}

/** Every metric that products declare, in the order of their declarations. */
export function catalogueOf(declarations: readonly ProductDeclaration[]): CatalogueEntry[] {
  return declarations.flatMap(({ product, events }) =>
    Object.entries(events).flatMap(([event, { store, metrics = [] }]) =>
      metrics.map(({ name, kind, unit, since = '', about }) => ({
        ...{ product, event, store, metric: name, kind, unit, since, about },
      })),
    ),
  );
}

/** How often the installations of a product report, as stored in the database. */
export interface ProductCadence extends Cadence {
  product: string;
}

/** The cadences of DC/OS and of these products. */
export function cadencesOf(declarations: readonly ProductDeclaration[]): ProductCadence[] {
  const declared = declarations.flatMap(({ product, cadence }) =>
    cadence ? [{ product, ...cadence }] : [],
  );
  return [{ product: dcos.product, ...dcosCadence }, ...declared];
}
