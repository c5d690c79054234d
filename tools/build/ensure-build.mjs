import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm, runStep } from '../run-step.mjs';

/** Packages are in the build too. */
const SOURCES = [
  ...['apps', 'libs', 'tools', 'package.json', 'package-lock.json'],
  ...['tsconfig.json', 'tsconfig.build.json', 'tools/build/bundle.mjs'],
];

/** Compiles, unless dist was compiled from these very sources. */
export async function ensureBuild(root) {
  const stamp = join(root, 'dist/.sources');
  const sources = digestOf(root);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;
  await runStep('Building', npm('run', 'build', '--silent'));
  writeFileSync(stamp, sources);
}

/** By content, because a checkout gives every file the time of the checkout. */
function digestOf(root) {
  const hash = createHash('sha256');
  for (const file of SOURCES.flatMap((name) => filesIn(root, name))) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

function filesIn(root, name) {
  if (name.includes('.')) return name.endsWith('.test.ts') ? [] : [name];
  const entries = readdirSync(join(root, name), { withFileTypes: true });
  return entries
    .flatMap((entry) => {
      const path = `${name}/${entry.name}`;
      if (entry.isDirectory()) return filesIn(root, path);
      return entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') ? [path] : [];
    })
    .sort();
}
