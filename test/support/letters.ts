import { randomUUID } from 'node:crypto';

/** A name that is like no other, and has nothing in it that would keep it from being stored. */
export function randomLetters(): string {
  return randomUUID().replace(/[^a-f]/g, (digit) =>
    String.fromCharCode(103 + (Number(digit) || 0)),
  );
}
