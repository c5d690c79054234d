/** Writes the reference of both APIs, from their code, into the folder that is named. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runProcess, StartupError } from '#platform';
import { findGaps, routesOf, type OpenApiDocument } from './document.js';
import { referenceMarkdown } from './markdown.js';

const MAX_DOCUMENT_BYTES = 64 * 1024 * 1024;

runProcess(
  async () => {
    const [folder] = process.argv.slice(2);
    if (folder === undefined) throw new StartupError('Name the folder to write to.');
    await mkdir(folder, { recursive: true });
    for (const app of ['ingest', 'admin']) await writeReference(app, folder);
    return { stop: () => Promise.resolve() };
  },
  { name: 'docs' },
);

/** @throws StartupError where a route is not described */
async function writeReference(app: string, folder: string): Promise<void> {
  const document = await documentOf(app);
  const gaps = findGaps(document);
  if (gaps.length > 0) throw new StartupError(gaps.join('\n'));
  const file = `${app}.openapi.json`;
  await writeFile(join(folder, file), `${JSON.stringify(document, null, 2)}\n`);
  await writeFile(join(folder, `${app}.md`), referenceMarkdown(document, file));
}

/** Of a process of its own: no app imports another. */
async function documentOf(app: string): Promise<OpenApiDocument> {
  const script = fileURLToPath(new URL(`../../apps/${app}/reference/main.js`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script], {
    maxBuffer: MAX_DOCUMENT_BYTES,
  });
  const document = JSON.parse(stdout) as OpenApiDocument;
  for (const { method, path, operation } of routesOf(document)) {
    // A class's and a method's name would be of no use to anybody, and a route may have two addresses.
    operation.operationId = `${method.toLowerCase()}_${path.replace(/\W+/g, '_').replace(/^_|_$/g, '')}`;
  }
  return document;
}
