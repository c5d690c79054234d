import { Ajv2020 } from 'ajv/dist/2020.js';
import type { OpenApiDocument, Schema } from '../../tools/docs/document.js';
import type { Answer } from './https.js';

/** In what an answer differs from what its OpenAPI document says, in sentences of Ajv. */
export function flawsOf(
  document: OpenApiDocument,
  { method, path }: { method: string; path: string },
  { status, json }: Answer,
): string[] {
  const told = document.paths[path]?.[method.toLowerCase()]?.responses[status];
  const schema = told?.content?.['application/json']?.schema;
  if (!schema) return [`nothing is told of the status ${status}`];
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  const components = { schemas: closed(document.components.schemas) };
  const isSo = ajv.compile({ ...schema, components });
  if (isSo(json)) return [];
  return (isSo.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** Allows no field that is not told. */
function closed(schemas: Record<string, Schema>): Record<string, Schema> {
  const close = (schema: Schema): Schema =>
    schema.properties && schema.additionalProperties === undefined && !schema.allOf
      ? { ...schema, additionalProperties: false }
      : schema;
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, close(schema)]));
}
