/** Counts each distinct name, sorted by name, which is the canonical order of a snapshot. */
export function countInstances(names: readonly string[]): [name: string, instances: number][] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}
