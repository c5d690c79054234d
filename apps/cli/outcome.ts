/** The command failed. The message is shown to the operator; the exit code is 1. */
export class Failure extends Error {
  override readonly name = 'Failure';
}

/** The command worked, but found a problem: a failed job, event counts out of balance. The exit code is 3. */
export class ProblemFound extends Error {
  override readonly name = 'ProblemFound';
}

/** Exit codes, for scripts. */
export const EXIT = { done: 0, failed: 1, wrongUsage: 2, problemFound: 3 } as const;

/** The system's code of an error, such as ENOENT. */
export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
