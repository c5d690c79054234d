import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isPlaceholder } from './placeholders.js';

describe('a placeholder', () => {
  test('is any digit repeated, with or without a version and a variant', () => {
    for (const digit of '0123456789abcdef') {
      const plain = '********-****-****-****-************'.replaceAll('*', digit);
      const versioned = '********-****-4***-8***-************'.replaceAll('*', digit);
      expect([plain, versioned].map(isPlaceholder)).toEqual([true, true]);
    }
  });

  test.each([
    '12345678-1234-1234-1234-123456789012',
    '01234567-89ab-cdef-0123-456789abcdef',
    '03000200-0400-0500-0006-000700080009',
    '11111111-2222-3333-4444-555555555555',
    '550e8400-e29b-41d4-a716-446655440000',
  ])('is %s', (guid) => {
    expect(isPlaceholder(guid)).toBe(true);
  });

  test.each([
    '00000000-0000-0000-0000-000000000001',
    '00000000-0000-4000-8000-00000000000a',
    '70b28f00-e38f-41b2-a723-aab344f535b9',
  ])('is not %s', (guid) => {
    expect(isPlaceholder(guid)).toBe(false);
  });

  test('is no GUID that is generated', () => {
    const generated = Array.from({ length: 1000 }, () => randomUUID());
    expect(generated.filter(isPlaceholder)).toEqual([]);
  });
});
