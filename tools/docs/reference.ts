/**
 * Generates the reference of both APIs and the schema of declarations from the code, into the given folder, and the
 * table of the admin API's routes in the given page, and its types in the given file.
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runProcess, StartupError } from '#platform';
import { declarationSchema } from '#telemetry';
import { findGaps, routesOf, type OpenApiDocument } from './document.js';
import { referenceMarkdown } from './markdown.js';
import { withRoutes } from './routes.js';
import { referenceTypes } from './types.js';

/** The programs that print the OpenAPI documents. */
const SCRIPTS = { ingest: 'ingest/reference/main.js', admin: 'admin/openapi.js' };

const MAX_DOCUMENT_BYTES = 64 * 1024 * 1024;

runProcess(
  async () => {
    const [folder, page, types] = process.argv.slice(2);
    if (folder === undefined) throw new StartupError('usage: reference.js FOLDER [PAGE TYPES]');
    await mkdir(folder, { recursive: true });
    await writeReference('ingest', folder);
    const admin = await writeReference('admin', folder);
    if (page !== undefined) await writeFile(page, withRoutes(await readFile(page, 'utf8'), admin));
    if (types !== undefined) await writeFile(types, referenceTypes(admin));
    await writeJson(join(folder, 'product-declaration.schema.json'), declarationSchema);
    return { stop: () => Promise.resolve() };
  },
  { name: 'docs' },
);

/** @throws StartupError if the description of a route is incomplete */
async function writeReference(app: keyof typeof SCRIPTS, folder: string): Promise<OpenApiDocument> {
  const document = await loadDocument(app);
  const gaps = findGaps(document);
  if (gaps.length > 0) throw new StartupError(gaps.join('\n'));
  const file = `${app}.openapi.json`;
  await writeJson(join(folder, file), document);
  await writeFile(join(folder, `${app}.md`), referenceMarkdown(document, file));
  return document;
}

async function writeJson(file: string, content: object): Promise<void> {
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`);
}

/** Runs the app's script as a process, because no app may import another. */
async function loadDocument(app: keyof typeof SCRIPTS): Promise<OpenApiDocument> {
  const script = fileURLToPath(new URL(`../../apps/${SCRIPTS[app]}`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script], {
    maxBuffer: MAX_DOCUMENT_BYTES,
  });
  const document = JSON.parse(stdout) as OpenApiDocument;
  for (const { method, path, operation } of routesOf(document)) {
    // The default is the class and method name, which means nothing to clients and is not unique per path.
    operation.operationId = `${method.toLowerCase()}_${path.replace(/\W+/g, '_').replace(/^_|_$/g, '')}`;
  }
  return document;
}
