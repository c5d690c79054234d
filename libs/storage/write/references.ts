import type pg from 'pg';
import type { NormalisedEvent, UnderstoodEvent } from '#telemetry';
import type { Queryable } from '../database/queryable.js';
import { isUnderstood } from './event-kinds.js';
import { type OriginOf, Origins } from './origins.js';
import { contentIdsOf, KnownSnapshots } from './snapshots.js';

/** What a transaction has written, once it is committed. */
export interface Written {
  reports: readonly UnderstoodEvent[];
  /** The ids of snapshots, also of those that no report refers to in the end. */
  contentIds: readonly string[];
}

/** The origins and snapshots that reports refer to, and which of them are known to be in the database. */
export class References {
  readonly #origins = new Origins();
  readonly #snapshots = new KnownSnapshots();

  /** Numbers the origins of these events, in statements of their own, before the transaction that stores the events. */
  async learn(
    database: Queryable,
    events: readonly NormalisedEvent[],
  ): Promise<TransactionReferences> {
    const understood = events.filter(isUnderstood);
    const originOf = await this.#origins.learn(database, understood);
    return new TransactionReferences(this.#origins, this.#snapshots, originOf, understood);
  }
}

/** The references of one transaction. */
export class TransactionReferences {
  readonly #origins: Origins;
  readonly #understood: readonly UnderstoodEvent[];
  readonly snapshots: KnownSnapshots;
  readonly originOf: OriginOf;
  /** The origins that were not known to be in the database. */
  #held: readonly number[] = [];
  #epoch = '';

  constructor(
    origins: Origins,
    snapshots: KnownSnapshots,
    originOf: OriginOf,
    understood: readonly UnderstoodEvent[],
  ) {
    this.#origins = origins;
    this.snapshots = snapshots;
    this.originOf = originOf;
    this.#understood = understood;
  }

  /**
   * Makes sure that nothing the transaction refers to is collected before it ends.
   * @param epoch raised whenever snapshots are collected
   * @throws OriginGone
   */
  async hold(tx: pg.ClientBase, epoch: string): Promise<void> {
    this.#epoch = epoch;
    this.snapshots.enter(epoch);
    this.#held = await this.#origins.hold(tx, epoch, this.#understood.map(this.originOf));
  }

  /**
   * To be called once the transaction is committed: from then on, what its reports refer to is known to be in the
   * database. What only other events refer to may be collected at any time.
   */
  remember({ reports, contentIds }: Written): void {
    if (contentIds.length > 0) {
      const used = contentIdsOf(reports);
      this.snapshots.remember(
        contentIds.filter((id) => used.has(id)),
        this.#epoch,
      );
    }
    if (this.#held.length > 0) {
      const used = new Set(reports.map(this.originOf));
      this.#origins.remember(
        this.#held.filter((id) => used.has(id)),
        this.#epoch,
      );
    }
  }
}
