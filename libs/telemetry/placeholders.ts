/**
 * GUIDs that many clients share because they have no real one. They are typed by hand or come from unconfigured
 * firmware; no generator creates digits that count up or spell a word.
 */
const KNOWN = new Set([
  '01234567-89ab-cdef-0123-456789abcdef',
  '12345678-1234-1234-1234-123456789012',
  '12345678-1234-1234-1234-123456789abc',
  '12345678-1234-5678-1234-567812345678',
  '12345678-1234-5678-90ab-cddeefaabbcc',
  'fedcba98-7654-3210-fedc-ba9876543210',
  '11111111-2222-3333-4444-555555555555',
  'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
  'deadbeef-dead-beef-dead-beefdeadbeef',
  'cafebabe-cafe-babe-cafe-babecafebabe',
  // Examples in RFC 4122 and in the documentation of many products.
  'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
  '123e4567-e89b-12d3-a456-426614174000',
  '550e8400-e29b-41d4-a716-446655440000',
  // Main boards by AMI, in both byte orders.
  '03000200-0400-0500-0006-000700080009',
  '00020003-0004-0005-0006-000700080009',
  '00010203-0405-0607-0809-0a0b0c0d0e0f',
  '03020100-0504-0706-0809-0a0b0c0d0e0f',
]);

/** One repeated digit, optionally with valid version and variant digits. */
const ONE_DIGIT = /^([0-9a-f])\1{7}-\1{4}-[0-9a-f]\1{3}-[0-9a-f]\1{3}-\1{12}$/;

/**
 * Whether a GUID in its canonical form stands for "no id": the nil and the max GUID (RFC 9562, 5.9 and 5.10),
 * any other repeated digit, and the known ones. Stored as an id, it would merge a fleet into one installation.
 */
export function isPlaceholder(guid: string): boolean {
  return ONE_DIGIT.test(guid) || KNOWN.has(guid);
}
