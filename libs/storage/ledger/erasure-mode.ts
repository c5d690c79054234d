/** What an erasure does with its installations. */
export const erasureModes = ['erase', 'erase_and_suppress', 'suppress', 'lift'] as const;
export type ErasureMode = (typeof erasureModes)[number];
