import type { EnvelopeBatch } from '#queue';
import type { TelemetryStore } from '#storage';
import { normalise } from '#telemetry';

const DAY_MS = 86_400_000;

/** Understands the events of a batch and stores what they say. */
export class EnvelopeProcessor {
  readonly #store: TelemetryStore;
  readonly #retentionMs: number;

  constructor(store: TelemetryStore, retentionDays: number) {
    this.#store = store;
    this.#retentionMs = retentionDays * DAY_MS;
  }

  /** Bad data becomes a stored fate; only a broken dependency throws, and the queue tries again. */
  async process({ batchId, gatheredAt, accepted, envelopes }: EnvelopeBatch): Promise<void> {
    const events = envelopes.map((envelope) => normalise(envelope, this.#retentionMs));
    await this.#store.save({ batchId, gatheredAt, accepted, events });
  }
}
