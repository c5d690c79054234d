/** A reason not to start that the person who starts us can mend. The message is all they see. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}
