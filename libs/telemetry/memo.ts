/**
 * Memoizes a pure function of a text. A fleet sends the same keys, unit sets and contents millions of times, and a
 * lookup is much cheaper than computing the result again. Agents choose the texts, so the memory is bounded: when the
 * cached texts exceed `maxCharacters` together, the cache is cleared.
 */
export function memoize<T>(
  maxCharacters: number,
  compute: (text: string) => T,
): (text: string) => T {
  const cache = new Map<string, T>();
  let characters = 0;
  return (text) => {
    const known = cache.get(text);
    if (known !== undefined) return known;
    const fresh = compute(text);
    characters += text.length;
    if (characters > maxCharacters) {
      cache.clear();
      characters = text.length;
    }
    if (text.length <= maxCharacters) cache.set(text, fresh);
    return fresh;
  };
}
