/** Why nothing can be written to the queue just now. */
export type ClosedReason = 'unreachable' | 'memory' | 'not_durable' | 'overloaded' | 'closing';

/**
 * The queue did not confirm an event. The sender may try again later, with the same id: a write that
 * Redis had begun may have been taken all the same.
 */
export class QueueUnavailable extends Error {
  constructor(
    readonly reason: ClosedReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What a command that failed means to whoever waits for it. */
export function asUnavailable(cause: unknown): QueueUnavailable {
  if (cause instanceof QueueUnavailable) return cause;
  const isFull = cause instanceof Error && /\bOOM\b/.test(cause.message);
  return isFull
    ? new QueueUnavailable('memory', 'The queue is full.', { cause })
    : new QueueUnavailable('unreachable', 'The queue could not be written.', { cause });
}
