import type { SideQuery } from './lock.js';

export interface RefreshOptions {
  /** Ends the refresh after the current statement. */
  signal?: AbortSignal | undefined;
  /** Called after each day of each step. */
  onProgress?: ((progress: RefreshProgress) => void) | undefined;
  /** Used to poll whether an erasure waits for the refresh. */
  sideQuery?: SideQuery | undefined;
}

export interface RefreshProgress {
  step: 'installations' | 'sums';
  done: number;
  of: number;
}
