import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { OpenApiDocument, Schema } from '../../tools/docs/document.js';
import type { Answer } from './https.js';

/** Compiled once: this costs far more than a validation. */
const validators = new WeakMap<Schema, ValidateFunction>();

/** The differences between a response and its OpenAPI document, as messages of Ajv. */
export function flawsOf(
  document: OpenApiDocument,
  { method, path }: { method: string; path: string },
  { status, json }: Answer,
): string[] {
  const documented = document.paths[path]?.[method.toLowerCase()]?.responses[status];
  const schema = documented?.content?.['application/json']?.schema;
  if (!schema) return [`the status ${status} is not documented`];
  const validate = validators.get(schema) ?? compile(document, schema);
  validators.set(schema, validate);
  if (validate(json)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

function compile(document: OpenApiDocument, schema: Schema): ValidateFunction {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  const components = { schemas: closed(document.components.schemas) };
  return ajv.compile({ ...schema, components });
}

/** Disallows undocumented fields. */
function closed(schemas: Record<string, Schema>): Record<string, Schema> {
  const close = (schema: Schema): Schema =>
    schema.properties && schema.additionalProperties === undefined && !schema.allOf
      ? { ...schema, additionalProperties: false }
      : schema;
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, close(schema)]));
}
