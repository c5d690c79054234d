import {
  createRedisBackend,
  type BackendFactory,
  type QueueBaseOptions,
  type RedisQueueBackend,
} from 'bullmq';
import type { Clock } from './store-clock.js';

/**
 * BullMQ's scripts that take the current time, and the position of that argument, by which BullMQ delays and dates
 * jobs. If a new version of BullMQ changes this, the check below fails in every test.
 */
const PRESENT_AT: Readonly<Record<string, number>> = {
  addJobScheduler: 17,
  updateJobScheduler: 16,
  moveToActive: 12,
  moveToDelayed: 12,
  moveToFinished: 15,
  moveStalledJobsToWait: 11,
  retryJob: 12,
};
/** Scripts that return the next job, and as the fourth value the time when the next delayed job is due. */
const WITH_NEXT_JOB = new Set(['moveToActive', 'moveToDelayed', 'moveToFinished']);
const DUE_AT = 3;
/** The argument was read from this machine's clock at most this long ago. */
const MOMENT_MS = 60_000;

/**
 * Makes BullMQ use the store's clock. BullMQ reads this machine's clock, so the times that it writes are replaced,
 * and the times that it waits for are converted back.
 */
export function createStoreTimeBackend(clock: Clock): BackendFactory<RedisQueueBackend> {
  return (name, options: QueueBaseOptions, kind) => {
    const backend = createRedisBackend(name, options, kind);
    const execute = backend.execCommand.bind(backend);
    const waitForJob = backend.waitForJob.bind(backend);
    const toLocal = (storeMs: number) => storeMs + Date.now() - clock.now();
    backend.execCommand = (client, command, args: unknown[]) => {
      const result: unknown = execute(client, command, withPresent(command, args, clock));
      if (!WITH_NEXT_JOB.has(command) || !(result instanceof Promise)) return result;
      return result.then((answer: unknown) => {
        if (!Array.isArray(answer) || !(Number(answer[DUE_AT]) > 0)) return answer;
        return (answer as unknown[]).with(DUE_AT, toLocal(Number(answer[DUE_AT])));
      });
    };
    backend.waitForJob = async (limit) => {
      const marker = await waitForJob(limit);
      return marker && marker.score > 0 ? { ...marker, score: toLocal(marker.score) } : marker;
    };
    return backend;
  };
}

function withPresent(command: string, args: unknown[], clock: Clock): unknown[] {
  const place = PRESENT_AT[command];
  if (place === undefined) return args;
  const present = Number(args[place]);
  if (!(Math.abs(present - Date.now()) < MOMENT_MS)) {
    throw new Error(
      `BullMQ's script ${command} does not take the current time as the expected argument.`,
    );
  }
  return args.with(place, clock.now());
}
