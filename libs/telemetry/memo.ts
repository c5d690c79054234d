/** Agents choose what is remembered, so it is bounded, in number and in length. */
const MAX_KEY_LENGTH = 8192;

/**
 * Remembers what a pure function made of a text. A fleet repeats itself: the same keys, unit sets and
 * contents come millions of times, and to look one up is a fraction of what it takes to make it anew.
 * When `maxEntries` are remembered, all are forgotten.
 */
export function remember<T>(maxEntries: number, make: (text: string) => T): (text: string) => T {
  const made = new Map<string, T>();
  return (text) => {
    const known = made.get(text);
    if (known !== undefined) return known;
    const fresh = make(text);
    if (text.length > MAX_KEY_LENGTH) return fresh;
    if (made.size >= maxEntries) made.clear();
    made.set(text, fresh);
    return fresh;
  };
}
