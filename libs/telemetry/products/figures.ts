import type { Defect } from '../vocabulary.js';

/** What a type becomes that has no name of its own here: its figures still count. */
export const OTHER = '*';

/** The most types of one metric, or items of one list. Real lists of packages have 3,000. */
const MAX_ITEMS = 5000;
/** Neither a metric nor a dimension holds it. */
const SEPARATOR = '\u0000';

/** The figures of one event, each under its metric and dimension; what is reported twice is added. */
export class Figures {
  readonly #figures = new Map<string, number>();
  readonly defects: Defect[] = [];
  /** The names of properties of which something was left out. */
  readonly dropped = new Set<string>();

  add(metric: string, dimension: string, value: number): void {
    const key = metric + SEPARATOR + dimension;
    const sum = (this.#figures.get(key) ?? 0) + value;
    this.#figures.set(key, sum);
  }

  /**
   * As many items as one event may have at a place; how many more there were is a defect. Of the entries of
   * an object the first by name are taken, for many languages write them in another order each time.
   */
  atMost<T>(items: readonly T[], path: string): readonly T[] {
    if (items.length <= MAX_ITEMS) return items;
    this.defects.push({ path, reason: 'too_many', leftOut: items.length - MAX_ITEMS });
    return items.slice(0, MAX_ITEMS);
  }

  /** The entries of an object, likewise. */
  entriesOf(object: object, path: string): readonly [string, unknown][] {
    const entries = Object.entries(object);
    if (entries.length <= MAX_ITEMS) return entries;
    return this.atMost(
      entries.sort(([a], [b]) => (a < b ? -1 : 1)),
      path,
    );
  }

  get isEmpty(): boolean {
    return this.#figures.size === 0;
  }

  /** In canonical order, as columns. */
  columns(): { metrics: string[]; dimensions: string[]; figures: number[] } {
    const sorted = [...this.#figures].sort(([a], [b]) => (a < b ? -1 : 1));
    const split = sorted.map(([key]) => key.split(SEPARATOR) as [string, string]);
    return {
      metrics: split.map(([metric]) => metric),
      dimensions: split.map(([, dimension]) => dimension),
      figures: sorted.map(([, figure]) => figure),
    };
  }
}
