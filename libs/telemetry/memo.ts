/**
 * Remembers what a pure function made of a text. A fleet repeats itself: the same keys, unit sets and
 * contents come millions of times, and to look one up is a fraction of what it takes to make it anew.
 * Agents choose the texts, so they are bounded: when those remembered have more than `maxCharacters`
 * together, all are forgotten.
 */
export function remember<T>(maxCharacters: number, make: (text: string) => T): (text: string) => T {
  const made = new Map<string, T>();
  let characters = 0;
  return (text) => {
    const known = made.get(text);
    if (known !== undefined) return known;
    const fresh = make(text);
    characters += text.length;
    if (characters > maxCharacters) {
      made.clear();
      characters = text.length;
    }
    if (text.length <= maxCharacters) made.set(text, fresh);
    return fresh;
  };
}
