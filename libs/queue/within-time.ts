import { QueueUnavailable } from './redis-gate.js';

/** Waits for an answer of Redis, but not for ever. @throws QueueUnavailable when the time is over */
export async function withinTime<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new QueueUnavailable('unreachable', 'The queue did not answer in time.')),
      limitMs,
    );
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
