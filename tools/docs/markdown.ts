import {
  routesOf,
  type Content,
  type OpenApiDocument,
  type Operation,
  type Route,
  type Schema,
} from './document.js';

/** Generates the page of an API from its OpenAPI document. */
export function referenceMarkdown(document: OpenApiDocument, file: string): string {
  const { info, components } = document;
  return [
    `# ${info.title}`,
    info.description,
    `Generated from the code by \`npm run docs\`. [${file}](${file}) has the same content as OpenAPI 3.1.`,
    '## Authentication',
    ...Object.entries(components.securitySchemes).map(
      ([name, { scheme, description }]) => `- **${name}** (\`${scheme}\`): ${description}`,
    ),
    '## Routes',
    ...groupRoutes(document).map(routeMarkdown),
    '## Schemas',
    ...Object.entries(components.schemas).map(schemaMarkdown),
  ]
    .map((block) => `${block}\n`)
    .join('\n');
}

/** Groups paths that share an operation. */
function groupRoutes(document: OpenApiDocument): Route[][] {
  const groups = new Map<string, Route[]>();
  for (const route of routesOf(document)) {
    const { operationId: _, ...rest } = route.operation;
    const key = JSON.stringify([route.method, rest]);
    groups.set(key, [...(groups.get(key) ?? []), route]);
  }
  return [...groups.values()];
}

function routeMarkdown(routes: Route[]): string {
  const [first] = routes;
  if (!first) return '';
  const { operation } = first;
  const title = `### ${routes.map(({ method, path }) => `\`${method} ${path}\``).join(', ')}`;
  return [
    title,
    `**${operation.summary}.** ${operation.description ?? ''}`.trim(),
    securityMarkdown(operation),
    ...parametersMarkdown(operation),
    ...bodyMarkdown(operation),
    responsesMarkdown(operation),
  ].join('\n\n');
}

function securityMarkdown({ security = [] }: Operation): string {
  const alternatives = security.map((alternative) =>
    Object.entries(alternative)
      .map(([name, scopes]) => [name, ...scopes.map((scope) => `\`${scope}\``)].join(' with '))
      .join(' and '),
  );
  const named = alternatives.filter((text) => text !== '');
  if (named.length === 0) return 'Public.';
  const orInBody = named.length < alternatives.length ? ', or the key in the body' : '';
  return `Needs ${named.join(' or ')}${orInBody}.`;
}

function parametersMarkdown({ parameters = [] }: Operation): string[] {
  if (parameters.length === 0) return [];
  return [
    table(
      ['parameter', 'in', 'type', ''],
      parameters.map(({ name, in: place, required, description, schema }) => [
        `\`${name}\``,
        place,
        typeOf(schema),
        [required === false ? 'optional' : '', description ?? ''].filter(Boolean).join('; '),
      ]),
    ),
  ];
}

function bodyMarkdown({ requestBody }: Operation): string[] {
  if (!requestBody) return [];
  const examples = Object.values(requestBody.content).flatMap(({ examples = {} }) =>
    Object.entries(examples),
  );
  return [
    `Body: ${contentOf(requestBody.content)}.`,
    ...examples.map(
      ([name, { value }]) => `${name}:\n\n\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``,
    ),
  ];
}

function responsesMarkdown({ responses }: Operation): string {
  return table(
    ['status', 'response', 'codes or meaning'],
    Object.entries(responses).map(([status, { description, content = {} }]) => [
      status,
      contentOf(content),
      description.split('\n\n').join(' '),
    ]),
  );
}

function contentOf(content: Content): string {
  return Object.entries(content)
    .map(([type, { schema = {} }]) =>
      type === 'application/json' ? typeOf(schema) : `\`${type}\``,
    )
    .join(', or ');
}

function schemaMarkdown([name, schema]: [string, Schema]): string {
  const { properties, required = [], oneOf } = schema;
  const about = schema.description === undefined ? [] : [schema.description];
  if (!properties) {
    const forms = oneOf?.map((form) => table(...fieldsOf(form))) ?? [typeOf(schema)];
    return [`### ${name}`, ...about, ...forms].join('\n\n');
  }
  return [`### ${name}`, ...about, table(...fieldsOf({ ...schema, properties, required }))].join(
    '\n\n',
  );
}

function fieldsOf({ properties = {}, required = [] }: Schema): [string[], string[][]] {
  const rows = Object.entries(properties).map(([field, schema]) => [
    `\`${field}\`${required.includes(field) ? '' : '?'}`,
    typeOf(schema),
    schema.description ?? '',
  ]);
  return [['field', 'type', ''], rows];
}

/** Describes the type of a value. */
export function typeOf(schema: Schema): string {
  const { $ref, anyOf, oneOf, allOf, items, format } = schema;
  if ($ref !== undefined) {
    const name = $ref.split('/').at(-1) ?? '';
    return `[${name}](#${name.toLowerCase()})`;
  }
  const alternatives = anyOf ?? oneOf;
  if (alternatives) return alternatives.map(typeOf).join(' or ');
  if (allOf) return allOf[0] ? typeOf(allOf[0]) : 'anything';
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (items && schema.type === 'array') return `array of ${typeOf(items)}${limitsOf(schema)}`;
  const types = [schema.type ?? 'anything'].flat().join(' or ');
  return `${types}${format === undefined ? '' : ` (${format})`}${limitsOf(schema)}`;
}

const LIMITS: Record<string, string> = {
  minimum: 'from',
  maximum: 'to',
  minLength: 'at least',
  maxLength: 'at most',
  minItems: 'at least',
  maxItems: 'at most',
  pattern: 'like',
  default: 'default',
};

function limitsOf(schema: Schema): string {
  const limits = Object.entries(LIMITS)
    .filter(([rule]) => schema[rule] !== undefined)
    .map(([rule, label]) => `${label} \`${String(schema[rule])}\``);
  return limits.length === 0 ? '' : `, ${limits.join(', ')}`;
}

export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map(escapeCell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function escapeCell(cell: string): string {
  return cell.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
