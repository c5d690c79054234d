import {
  type AcceptedCount,
  type Fate,
  fates,
  hourOf,
  type NormalisedEvent,
  type QuarantinedEvent,
  type UnderstoodEvent,
} from '#telemetry';

/** What one job holds, understood. */
export interface NormalisedBatch {
  /** Given when the batch was gathered; a batch that is delivered again has the same one. */
  batchId: string;
  /** In milliseconds since 1970. */
  gatheredAt: number;
  /** How many events ingest accepted, by product and hour of receipt. */
  accepted: readonly AcceptedCount[];
  events: readonly NormalisedEvent[];
}

/** An event of a known installation, whose copies can be recognised. */
export type IdentifiedEvent = UnderstoodEvent | QuarantinedEvent;

type Outcome = Fate | 'accepted';

/** What happened to events, by product and hour of receipt. Counts may be negative. */
export class Tally {
  readonly #counts = new Map<string, Map<Outcome, number>>();

  static ofAccepted(accepted: readonly AcceptedCount[]): Tally {
    const tally = new Tally();
    for (const { product, hour, count } of accepted) {
      tally.add({ product, receivedAt: hour }, 'accepted', count);
    }
    return tally;
  }

  add(event: { product: string; receivedAt: number }, outcome: Outcome, count = 1): this {
    return this.#add(`${hourOf(event.receivedAt)} ${event.product}`, outcome, count);
  }

  /** Takes in the counts of another tally. */
  merge(other: Tally): this {
    for (const [key, counts] of other.#counts) {
      for (const [outcome, count] of counts) this.#add(key, outcome, count);
    }
    return this;
  }

  /** How often an outcome was, in all hours. */
  sumOf(outcome: Outcome): number {
    return this.entries().reduce((sum, { countOf }) => sum + countOf(outcome), 0);
  }

  /** The correction of the books where these are the fates of events that had another one before. */
  instead(former: Fate): Tally {
    const correction = new Tally().merge(this);
    for (const { product, hour, countOf } of this.entries()) {
      const count = fates.reduce((sum, fate) => sum + countOf(fate), 0);
      correction.add({ product, receivedAt: hour }, former, -count);
    }
    return correction;
  }

  /** One entry per product and hour, in the one order in which all writers lock the rows. */
  entries(): { product: string; hour: number; countOf: (outcome: Outcome) => number }[] {
    return [...this.#counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, counts]) => {
        const [hour, product] = key.split(' ') as [string, string];
        return { product, hour: Number(hour), countOf: (outcome) => counts.get(outcome) ?? 0 };
      });
  }

  #add(key: string, outcome: Outcome, count: number): this {
    const counts = this.#counts.get(key) ?? new Map<Outcome, number>();
    counts.set(outcome, (counts.get(outcome) ?? 0) + count);
    this.#counts.set(key, counts);
    return this;
  }
}
