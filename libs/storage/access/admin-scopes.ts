/** What each scope of a token allows. Types, the API and its reference derive from this table. */
export const scopeMeanings = {
  'erasures:write':
    'erase, suppress and purge; also needed to enable self-erasure or shorten retention',
  'installations:read': 'read and export what is stored about an installation',
  'keys:write': 'list, create, rotate and revoke write keys',
  'products:write': 'change limits, retention and self-erasure of products',
  'tokens:write': 'list, create and revoke tokens of administrators',
  'quarantine:write': 'replay and discard quarantined events, block events, retry failed jobs',
  'operations:read':
    'read the queue, balance, audit log, products, quarantine and maintenance runs',
} as const;

export type AdminScope = keyof typeof scopeMeanings;
export const adminScopes = Object.keys(scopeMeanings) as readonly AdminScope[];
