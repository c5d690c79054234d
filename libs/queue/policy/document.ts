import type { Policy } from '#telemetry';

/** The key of the policy in Redis, below the prefix: a hash of `format`, `revision` and `document`. */
export function policyKey(prefix: string): string {
  return `${prefix}:policy`;
}

/** Raised when an older version could no longer understand the document, and only then. */
export const FORMAT = '1';

/** A document that this version does not understand. */
export class UnknownPolicy extends Error {
  override readonly name = 'UnknownPolicy';
}

export function writeDocument({ keys, products, blocks }: Policy): string {
  return JSON.stringify({ keys, products, blocks });
}

/** @throws UnknownPolicy */
export function readDocument(fields: {
  format: string | null;
  revision: number;
  document: string | null;
}): Policy {
  if (fields.format !== FORMAT) {
    throw new UnknownPolicy('The policy in Redis has a format that this version does not support.');
  }
  const { keys, products, blocks } = parse(fields.document ?? '');
  if (!Array.isArray(keys) || !Array.isArray(products) || !Array.isArray(blocks)) {
    throw new UnknownPolicy('The policy in Redis is incomplete.');
  }
  return { keys, products, blocks, revision: fields.revision };
}

function parse(document: string): Partial<Record<keyof Policy, unknown>> {
  try {
    return (JSON.parse(document) ?? {}) as Partial<Record<keyof Policy, unknown>>;
  } catch {
    // Not even a cause: the parser's message would repeat a part of the document.
    throw new UnknownPolicy('The policy in Redis is not valid JSON.');
  }
}
