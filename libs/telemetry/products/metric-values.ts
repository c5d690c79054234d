import type { Defect } from '../vocabulary.js';

/** Replaces types whose names are not kept. Their values are still counted. */
export const OTHER = '*';

/** The maximum number of types of a metric, or items of a list. Real lists of packages have 3,000. */
const MAX_ITEMS = 5000;
/** Occurs in neither metrics nor dimensions. */
const SEPARATOR = '\u0000';

/** The values of one event by metric and dimension. Values with the same metric and dimension are added. */
export class MetricValues {
  readonly #values = new Map<string, number>();
  readonly defects: Defect[] = [];
  /** The names of properties that were partly dropped. */
  readonly dropped = new Set<string>();

  add(metric: string, dimension: string, value: number): void {
    const key = metric + SEPARATOR + dimension;
    const sum = (this.#values.get(key) ?? 0) + value;
    this.#values.set(key, sum);
  }

  /**
   * Limits a list. The number of further items is recorded as a defect.
   */
  limit<T>(items: readonly T[], path: string): readonly T[] {
    if (items.length <= MAX_ITEMS) return items;
    this.defects.push({ path, reason: 'too_many', leftOut: items.length - MAX_ITEMS });
    return items.slice(0, MAX_ITEMS);
  }

  /** Limits the entries of an object, to the first by name, because many languages write them in random order. */
  limitEntries(object: object, path: string): readonly [string, unknown][] {
    const entries = Object.entries(object);
    if (entries.length <= MAX_ITEMS) return entries;
    return this.limit(
      entries.sort(([a], [b]) => (a < b ? -1 : 1)),
      path,
    );
  }

  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  /** In canonical order, as columns. */
  columns(): { metrics: string[]; dimensions: string[]; figures: number[] } {
    const sorted = [...this.#values].sort(([a], [b]) => (a < b ? -1 : 1));
    const split = sorted.map(([key]) => key.split(SEPARATOR) as [string, string]);
    return {
      metrics: split.map(([metric]) => metric),
      dimensions: split.map(([, dimension]) => dimension),
      figures: sorted.map(([, figure]) => figure),
    };
  }
}
