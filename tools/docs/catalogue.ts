/** Writes the docs of all products' events and metrics to the given file, or to stdout. */
import { writeFile } from 'node:fs/promises';
import { docsSettings, readJsonFolder, runProcess } from '#platform';
import { catalogueMarkdown, ownDeclarations, readDeclaration } from '#telemetry';

runProcess(
  async () => {
    const declared = await readJsonFolder(docsSettings().productsDir, readDeclaration);
    const markdown = catalogueMarkdown([...ownDeclarations, ...declared]);
    const [file] = process.argv.slice(2);
    if (file === undefined) process.stdout.write(markdown);
    else await writeFile(file, markdown);
    return { stop: () => Promise.resolve() };
  },
  { name: 'docs' },
);
