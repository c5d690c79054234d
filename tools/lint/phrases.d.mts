export const PHRASES: readonly { pattern: RegExp; instead: string }[];
export function findPhrases(text: string): { phrase: string; instead: string; index: number }[];
