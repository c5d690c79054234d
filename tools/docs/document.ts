/** The parts of an OpenAPI 3.1 document that the generators read. */
export interface OpenApiDocument {
  info: { title: string; description: string };
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, Schema>;
    securitySchemes: Record<string, { scheme: string; description: string }>;
  };
}

export interface Operation {
  operationId?: string;
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: Parameter[];
  requestBody?: { content: Content };
  responses: Record<string, { description: string; content?: Content }>;
  /** Alternatives. An empty one means that no authentication is needed. */
  security?: Record<string, string[]>[];
}

export interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: Schema;
}

export type Content = Record<
  string,
  { schema?: Schema; examples?: Record<string, { value: unknown }> }
>;

export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  format?: string;
  description?: string;
  default?: unknown;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  [rule: string]: unknown;
}

export interface Route {
  method: string;
  path: string;
  operation: Operation;
}

export function routesOf({ paths }: OpenApiDocument): Route[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
}

/**
 * Finds omissions, as one sentence each: every route must have a summary, a response with a schema, and its security
 * (even if it is public).
 */
export function findGaps(document: OpenApiDocument): string[] {
  return routesOf(document).flatMap(({ method, path, operation }) => {
    const { summary, responses, security = [] } = operation;
    const successes = Object.entries(responses).filter(([status]) => status.startsWith('2'));
    const hasResponseSchema =
      successes.length > 0 && successes.every(([, { content }]) => hasSchema(content));
    return [
      ...(summary ? [] : ['has no summary']),
      ...(hasResponseSchema ? [] : ['has no schema for its response']),
      ...(security.length > 0 ? [] : ['has no security and is not marked as public']),
    ].map((gap) => `${method} ${path} ${gap}.`);
  });
}

function hasSchema(content: Content = {}): boolean {
  const schemas = Object.values(content).map(({ schema = {} }) => schema);
  return schemas.length > 0 && schemas.every((schema) => Object.keys(schema).length > 0);
}
