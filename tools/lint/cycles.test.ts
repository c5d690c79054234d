import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

/** The sources that a file imports, also for types only. */
function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'));
  return importedFiles
    .map(({ fileName }) =>
      fileName.startsWith('#')
        ? `libs/${fileName.slice(1)}/index.ts`
        : join(dirname(file), fileName).replace(/\.js$/, '.ts'),
    )
    .filter((path) => existsSync(path));
}

/** @returns the files of a cycle in order, or null */
function findCycle(files: readonly string[]): string[] | null {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const imported of importsOf(file)) {
      const cycle = visit(imported, [...path, file]);
      if (cycle) return cycle;
    }
    done.add(file);
    return null;
  };
  for (const file of files) {
    const cycle = visit(file, []);
    if (cycle) return cycle;
  }
  return null;
}

test('no file imports itself through others, not even for types', () => {
  const files = ['apps', 'libs', 'tools', 'test']
    .flatMap((dir) => readdirSync(dir, { recursive: true }).map((path) => join(dir, String(path))))
    .filter((path) => path.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(500);
  expect(findCycle(files)).toBeNull();
});
