import type { Schema } from './describe.js';

export const text = (description: string, rules: Schema = {}): Schema => ({
  ...{ type: 'string', description },
  ...rules,
});
export const list = (items: Schema, rules: Schema = {}): Schema => ({
  type: 'array',
  items,
  ...rules,
});
/** An object with these fields and any others. */
export const object = (
  properties: Schema,
  required: string[] = [],
  rules: Schema = {},
): Schema => ({
  ...{ type: 'object', properties },
  ...(required.length > 0 && { required }),
  ...rules,
});

export const anything = { type: 'object', additionalProperties: true };
export const count = { type: 'integer', minimum: 0 };
/** With an offset. Some agents omit its colon, so JSON Schema's `date-time` does not fit. */
export const moment = (description: string) => text(`${description}, RFC 3339 with an offset`);
