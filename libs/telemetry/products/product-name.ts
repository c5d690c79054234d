/**
 * What a product may be called, wherever one is named: in a declaration, a write key, a block or a policy. The
 * database has the same rule (constraint `…_product_name` of each table that administrators write to).
 */
export const PRODUCT_NAME = {
  pattern: /^[a-z][a-z0-9_-]{0,63}$/,
  allowed: 'a lower-case letter and up to 63 lower-case letters, digits, _ and -',
} as const;
