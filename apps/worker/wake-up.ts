/** Lets one loop sleep until it is called. A call while it is awake ends its next sleep at once. */
export class WakeUp {
  #isCalled = false;
  #wake: (() => void) | null = null;

  call(): void {
    this.#isCalled = true;
    this.#wake?.();
  }

  /** Resolves after a call, after a time in milliseconds, or when the signal aborts. */
  async sleep(signal: AbortSignal, limitMs?: number): Promise<void> {
    if (!this.#isCalled && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = limitMs === undefined ? undefined : setTimeout(() => wake(), limitMs);
        const wake = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        signal.addEventListener('abort', wake);
        this.#wake = wake;
      });
    }
    this.#isCalled = false;
  }
}
