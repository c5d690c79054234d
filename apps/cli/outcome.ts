/** Something did not work. The message is the sentence that people read; the exit code is 1. */
export class Failure extends Error {}

/** It worked, and what it found is bad news: a job that failed, books out of balance. Exit code 3. */
export class BadNews extends Error {}

/** How a command ended, for scripts. */
export const EXIT = { done: 0, failed: 1, wrongUsage: 2, badNews: 3 } as const;
