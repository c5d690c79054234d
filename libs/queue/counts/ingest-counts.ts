import { type AcceptedCount, hourOf } from '#telemetry';
import type { Clock } from '../store-clock.js';

/** A batch whose write failed or timed out after it was sent. It may still be in the queue. */
export interface UnconfirmedBatch {
  batchId: string;
  /** In milliseconds since 1970. */
  gatheredAt: number;
  accepted: readonly AcceptedCount[];
}

/** One kind of refusal. Every text is from a closed set or bounded in number; none is a key or a value. */
export interface RefusalKind {
  /** Empty if the write key is missing or unknown. */
  product: string;
  code: string;
  route: string;
  dialect: string;
  keyHint: string;
  agent: string;
}

export interface RefusalCount extends RefusalKind {
  /** The beginning of the hour, in milliseconds since 1970. */
  hour: number;
  requests: number;
  events: number;
}

/** Refusals without what only investigations need: few enough kinds for labels of metrics. */
export type RefusalTotal = Omit<RefusalCount, 'hour' | 'keyHint' | 'agent'>;

export interface Totals {
  /** Events by product. */
  acknowledged: ReadonlyMap<string, number>;
  refused: Iterable<RefusalTotal>;
}

/** The announcement for an hour: a field of the process' hash in Redis. */
export type HourOfRefusals = [kind: RefusalKind, requests: number, events: number][];

const HOUR_MS = 3_600_000;
/** Hours are announced for this long, so that a Redis that has lost everything learns them again. */
export const ANNOUNCED_MS = 48 * HOUR_MS;
/** A write is given up after REDIS_TIMEOUT_MS, one at a time, so this is a quarter of an hour of failures. */
const MAX_UNCONFIRMED = 1000;
/** Kinds of refusals in an hour. Beyond, their key hints and agents are counted as `other`. */
const MAX_KINDS = 500;

interface Hour {
  acknowledged: Map<string, number>;
  refused: Map<string, [kind: RefusalKind, requests: number, events: number]>;
  /** The announced texts, until something is counted. */
  texts: { acknowledged: string | null; refused: string | null };
}

/**
 * The counters of one ingest process: what it acknowledged, by product and hour of receipt, and what it
 * refused. They only grow, so that announcing them twice changes nothing.
 */
export class IngestCounts {
  readonly #hours = new Map<number, Hour>();
  readonly #unconfirmed = new Map<string, UnconfirmedBatch>();
  #unconfirmedText: string | null = null;
  readonly #acknowledged = new Map<string, number>();
  /** As many as there are products, codes and routes. */
  readonly #refused = new Map<string, RefusalTotal>();

  constructor(private readonly clock: Clock = Date) {}

  /** Counts the events of a batch that Redis has confirmed. */
  acknowledge(accepted: readonly AcceptedCount[]): void {
    for (const { product, hour, count } of accepted) {
      this.#acknowledged.set(product, (this.#acknowledged.get(product) ?? 0) + count);
      const { acknowledged, texts } = this.#hourOf(hour);
      acknowledged.set(product, (acknowledged.get(product) ?? 0) + count);
      texts.acknowledged = null;
    }
  }

  /** Records a batch that was reported as failed to its senders, although it may have been written. */
  leaveUnconfirmed({ batchId, gatheredAt, accepted }: UnconfirmedBatch): void {
    this.#unconfirmed.set(batchId, { batchId, gatheredAt, accepted });
    for (const [oldest] of this.#unconfirmed) {
      if (this.#unconfirmed.size <= MAX_UNCONFIRMED) break;
      this.#unconfirmed.delete(oldest);
    }
    this.#unconfirmedText = null;
  }

  /** Counts a rejected request, or the rejected events of a request. */
  refuse(kind: RefusalKind, { requests, events }: { requests: number; events: number }): void {
    const { refused, texts } = this.#hourOf(this.clock.now());
    const count = refused.get(nameOf(kind)) ?? this.#newKind(refused, kind);
    count[1] += requests;
    count[2] += events;
    texts.refused = null;
    const total = this.#totalOf(kind);
    total.requests += requests;
    total.events += events;
  }

  /** Everything since the process started, for metrics. */
  get totals(): Totals {
    return { acknowledged: this.#acknowledged, refused: this.#refused.values() };
  }

  /** Everything that is announced, by the name of its field. Forgets hours that are days old. */
  fields(now = this.clock.now()): Map<string, string> {
    const fields = new Map<string, string>();
    for (const [hour, { acknowledged, refused, texts }] of this.#hours) {
      if (hour < now - ANNOUNCED_MS) {
        this.#hours.delete(hour);
        continue;
      }
      texts.acknowledged ??= JSON.stringify(Object.fromEntries(acknowledged));
      texts.refused ??= JSON.stringify([...refused.values()]);
      if (acknowledged.size > 0) fields.set(`acknowledged:${hour}`, texts.acknowledged);
      if (refused.size > 0) fields.set(`refused:${hour}`, texts.refused);
    }
    this.#unconfirmedText ??= JSON.stringify([...this.#unconfirmed.values()]);
    if (this.#unconfirmed.size > 0) fields.set('unconfirmed', this.#unconfirmedText);
    return fields;
  }

  #totalOf({ product, code, route, dialect }: RefusalKind): RefusalTotal {
    const name = `${product} ${code} ${route}`;
    const found = this.#refused.get(name);
    if (found) return found;
    const created = { product, code, route, dialect, requests: 0, events: 0 };
    this.#refused.set(name, created);
    return created;
  }

  #newKind(refused: Hour['refused'], kind: RefusalKind): [RefusalKind, number, number] {
    const isFull = refused.size >= MAX_KINDS;
    const counted = isFull ? { ...kind, keyHint: 'other', agent: 'other' } : kind;
    const found = refused.get(nameOf(counted)) ?? [counted, 0, 0];
    refused.set(nameOf(counted), found);
    return found;
  }

  #hourOf(time: number): Hour {
    const hour = hourOf(time);
    const found = this.#hours.get(hour);
    if (found) return found;
    const texts = { acknowledged: null, refused: null };
    const created: Hour = { acknowledged: new Map(), refused: new Map(), texts };
    this.#hours.set(hour, created);
    return created;
  }
}

function nameOf({ product, code, route, dialect, keyHint, agent }: RefusalKind): string {
  return `${product} ${code} ${route} ${dialect} ${keyHint} ${agent}`;
}
