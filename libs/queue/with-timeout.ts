import { QueueUnavailable } from './unavailable.js';

/** Waits for a response of Redis. @throws QueueUnavailable on timeout */
export async function withTimeout<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    // setImmediate: a response that arrived while this process was busy is read first.
    timer = setTimeout(() => setImmediate(() => reject(tooLate())), limitMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** @returns whether `work` finishes within the time limit. @throws what `work` throws */
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
