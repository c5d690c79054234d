import type { ApiPropertyOptions } from '@nestjs/swagger';

interface About {
  description?: string;
  nullable?: boolean;
  required?: boolean;
}

/** A moment, as RFC 3339 writes it. */
export function time(about: About = {}): ApiPropertyOptions {
  return { type: 'string', format: 'date-time', ...about };
}

/** Numbers by the name of a table; `required: false` where they may be missing. */
export function rowsByTable({ required = true, ...about }: About = {}): ApiPropertyOptions {
  const type = { type: 'object' as const, additionalProperties: { type: 'integer' } };
  return { ...type, ...about, selfRequired: required };
}
