import type { Ask } from './lock.js';

export interface RefreshOptions {
  /** Ends the refresh after the statement under way. */
  signal?: AbortSignal | undefined;
  /** Receives the progress after each day of each step. */
  onProgress?: ((progress: RefreshProgress) => void) | undefined;
  /** Runs statements on another connection, by which the refresh sees whether an erasure waits for it. */
  ask?: Ask | undefined;
}

export interface RefreshProgress {
  step: 'installations' | 'sums';
  done: number;
  of: number;
}
