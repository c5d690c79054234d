import type { ApiPropertyOptions } from '@nestjs/swagger';

interface About {
  description?: string;
  nullable?: boolean;
  required?: boolean;
}

/** An RFC 3339 timestamp. */
export function time(about: About = {}): ApiPropertyOptions {
  return { type: 'string', format: 'date-time', ...about };
}

/** Row counts by table; `required: false` if the field may be missing. */
export function rowsByTable({ required = true, ...about }: About = {}): ApiPropertyOptions {
  const type = { type: 'object' as const, additionalProperties: { type: 'integer' } };
  return { ...type, ...about, selfRequired: required };
}
