import { QueueUnavailable } from './unavailable.js';

/** Waits for an answer of Redis, but not for ever. @throws QueueUnavailable when the time is over */
export async function withinTime<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    // An answer that has arrived while this process was busy counts: what is there is read first.
    timer = setTimeout(() => setImmediate(() => reject(tooLate())), limitMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether work is done within a time. @throws what the work throws */
export async function isDoneWithin(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => setImmediate(() => resolve(false)), limitMs);
  });
  try {
    return await Promise.race([work.then(() => true), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function tooLate(): QueueUnavailable {
  return new QueueUnavailable('unreachable', 'Redis did not respond in time.');
}
