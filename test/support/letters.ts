import { randomUUID } from 'node:crypto';

/** A unique name that passes the gate for stored text. */
export function randomLetters(): string {
  return randomUUID().replace(/[^a-f]/g, (digit) =>
    String.fromCharCode(103 + (Number(digit) || 0)),
  );
}
