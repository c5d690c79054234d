/** What each scope of a token allows. Types, the API and its reference derive from this table. */
export const scopeMeanings = {
  'erasures:write': 'erase and suppress installations, and what else removes stored data',
  'installations:read': 'see and export what is held about an installation',
  'keys:write': 'list, make, rotate and end write keys',
  'products:write': 'change limits, retention and self-erasure of products',
  'tokens:write': 'list, make and end tokens of administrators',
  'quarantine:write': 'replay and discard quarantined events, block events, retry failed jobs',
  'operations:read':
    'see the queue, the balance, the audit log, products, quarantine, housekeeping',
} as const;

export type AdminScope = keyof typeof scopeMeanings;
export const adminScopes = Object.keys(scopeMeanings) as readonly AdminScope[];
