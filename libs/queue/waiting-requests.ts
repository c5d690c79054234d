import type { ReceivedEnvelope } from '#telemetry';
import type { QueueUnavailable } from './unavailable.js';

/** The envelopes of one request, until they are written or refused. */
export interface WaitingRequest {
  envelopes: readonly ReceivedEnvelope[];
  /** About how much memory they take. */
  bytes: number;
  /** When the request must have been answered, by `performance.now()`. */
  deadline: number;
  resolve: () => void;
  reject: (error: QueueUnavailable) => void;
}

/** Jobs of 256 events carry eight times what jobs of one do; beyond 512 nothing more is gained. */
const BATCH_EVENTS = 512;
/** A worker has several jobs in memory at once, each as text, as objects and as rows. */
const BATCH_BYTES = 4 * 1024 * 1024;
/** More than a second's worth for one process: later requests would not be answered in time. */
const MAX_EVENTS = 50_000;
const MAX_BYTES = 128 * 1024 * 1024;

/** The requests that wait to be written, in the order of their deadlines: usually that of their arrival. */
export class WaitingRequests {
  #requests: WaitingRequest[] = [];
  #events = 0;
  #bytes = 0;

  get length(): number {
    return this.#requests.length;
  }

  get isFull(): boolean {
    return this.#events >= MAX_EVENTS || this.#bytes >= MAX_BYTES;
  }

  add(request: WaitingRequest): void {
    // A request that waited for something else before has an earlier deadline than those ahead of it.
    let place = this.#requests.length;
    while ((this.#requests[place - 1]?.deadline ?? -Infinity) > request.deadline) place -= 1;
    if (place === this.#requests.length) this.#requests.push(request);
    else this.#requests.splice(place, 0, request);
    this.#events += request.envelopes.length;
    this.#bytes += request.bytes;
  }

  /** The requests that have waited longest, as many as make a good batch. Never splits one. */
  takeBatch(): WaitingRequest[] {
    let [events, bytes, count] = [0, 0, 0];
    for (const request of this.#requests) {
      events += request.envelopes.length;
      bytes += request.bytes;
      if (count > 0 && (events > BATCH_EVENTS || bytes > BATCH_BYTES)) break;
      count += 1;
    }
    return this.#take(count);
  }

  /** Those whose deadline has passed. */
  takeLate(now: number): WaitingRequest[] {
    const firstInTime = this.#requests.findIndex(({ deadline }) => deadline > now);
    return this.#take(firstInTime === -1 ? this.#requests.length : firstInTime);
  }

  takeAll(): WaitingRequest[] {
    return this.#take(this.#requests.length);
  }

  #take(count: number): WaitingRequest[] {
    const taken = this.#requests.splice(0, count);
    for (const { envelopes, bytes } of taken) {
      this.#events -= envelopes.length;
      this.#bytes -= bytes;
    }
    return taken;
  }
}
