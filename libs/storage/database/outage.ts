import { setTimeout as sleep } from 'node:timers/promises';

/** Connections that break within this time of each other belong to one outage. */
const PROBE_INTERVAL_MS = 1000;

/** Informed once when the database is lost and once when it answers again. */
export interface OutageListener {
  onOutage?: ((error: Error) => void) | undefined;
  onRecovery?: ((outageMs: number) => void) | undefined;
}

/** Whether the database is away, whatever number of statements fails meanwhile. */
export class Outage {
  #since: number | null = null;
  readonly #closing = new AbortController();

  /** @param probe resolves when the database answers */
  constructor(
    private readonly probe: () => Promise<void>,
    private readonly listener: OutageListener,
  ) {}

  /** Notes that a connection was lost, or could not be made. */
  note(error: Error): void {
    if (this.#since !== null || this.#closing.signal.aborted) return;
    this.#since = performance.now();
    this.listener.onOutage?.(error);
    void this.#untilOver(this.#since);
  }

  close(): void {
    this.#closing.abort();
  }

  async #untilOver(since: number): Promise<void> {
    const { signal } = this.#closing;
    for (let isOver = false; !isOver;) {
      await sleep(PROBE_INTERVAL_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      isOver = await this.probe().then(
        () => true,
        () => false,
      );
    }
    this.#since = null;
    this.listener.onRecovery?.(Math.round(performance.now() - since));
  }
}
