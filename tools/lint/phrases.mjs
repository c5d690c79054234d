/**
 * Phrases that make text hard to read, and what to write instead. They are matched in comments and strings of the
 * code (`plain-english.mjs`), and in docs, SQL and settings (`check-text.mjs`).
 */
export const PHRASES = [
  { pattern: /\b(?:nobody|somebody|whoever)\b/i, instead: 'name the actor' },
  { pattern: /\banew\b/i, instead: '"again"' },
  { pattern: /\bbeside\b/i, instead: '"next to" or "in addition to"' },
  { pattern: /\b(?:kept|set|keeps|sets) aside\b/i, instead: '"quarantined"' },
  { pattern: /\bstands? in (?:the|a|its|their)\b/i, instead: '"is in"' },
  { pattern: /\bgoes on\b/i, instead: '"continues" or "is passed on"' },
  { pattern: /\bthere (?:is|are) none\b/i, instead: '"is missing" or "not found"' },
  { pattern: /\bas good as\b/i, instead: '"equivalent to"' },
  { pattern: /\bwould else\b/i, instead: '"otherwise … would"' },
  {
    pattern: /(?<!\b(?:all|both|each|many|most|none|one|some) )\bof (?:which|whom)\b/i,
    instead: '"whose" or "of these"',
  },
  { pattern: /\bthe same (?:of|again)\b/i, instead: '"likewise"' },
  { pattern: /\blets? go of\b/i, instead: '"removes" or "releases"' },
  { pattern: /\bin turns\b/i, instead: '"alternately"' },
];

/** @returns {{ phrase: string, instead: string, index: number }[]} */
export function findPhrases(text) {
  return PHRASES.flatMap(({ pattern, instead }) =>
    [...text.matchAll(new RegExp(pattern, `${pattern.flags}g`))].map(({ 0: phrase, index }) => ({
      phrase,
      instead,
      index,
    })),
  );
}
