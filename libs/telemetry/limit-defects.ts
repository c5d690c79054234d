import type { Defect } from './vocabulary.js';

const MAX_DEFECTS = 100;
export const MAX_DROPPED = 100;
const MAX_PATH_LENGTH = 300;

/** Property names beyond the limit become one defect with their number. */
export function beyondDropped(dropped: readonly string[]): Defect[] {
  const leftOut = dropped.length - MAX_DROPPED;
  return leftOut > 0 ? [{ path: '', reason: 'too_many_dropped', leftOut }] : [];
}

/**
 * Merges defects with the same path and reason, such as those of list items, into one with the number of readings. An
 * event of nonsense could otherwise create thousands of rows, so defects beyond a limit are counted in one.
 */
export function limitDefects(defects: Defect[]): Defect[] {
  if (defects.length === 0) return defects;
  const merged = new Map<string, Required<Defect>>();
  for (const { path: fullPath, reason, leftOut = 1 } of defects) {
    const path = truncatePath(fullPath);
    const existing = merged.get(`${reason} ${path}`);
    if (existing) existing.leftOut += leftOut;
    else merged.set(`${reason} ${path}`, { path, reason, leftOut });
  }
  const all = [...merged.values()];
  if (all.length > MAX_DEFECTS) {
    // Defects with many readings come first, so that their numbers stay separate.
    all.sort((a, b) => b.leftOut - a.leftOut);
    const leftOut = all.splice(MAX_DEFECTS).reduce((sum, defect) => sum + defect.leftOut, 0);
    all.push({ path: '', reason: 'too_many_defects', leftOut });
  }
  return all.map(({ leftOut, ...defect }) => (leftOut > 1 ? { ...defect, leftOut } : defect));
}

/** Truncates a path. Senders choose keys, so a path may be as long as an event. A truncated path ends in `…`. */
export function truncatePath(path: string): string {
  return path.length > MAX_PATH_LENGTH ? `${path.slice(0, MAX_PATH_LENGTH - 1)}…` : path;
}
