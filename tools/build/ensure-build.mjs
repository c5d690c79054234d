import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm, runStep } from '../run-step.mjs';

/** Includes package-lock.json, because packages are bundled. */
const SOURCES = [
  ...['apps', 'libs', 'tools', 'package.json', 'package-lock.json'],
  ...['tsconfig.json', 'tsconfig.build.json', 'tools/build/bundle.mjs'],
];

/** Builds, unless dist was built from the current sources. */
export async function ensureBuild(root) {
  const stamp = join(root, 'dist/.sources');
  const sources = hashSources(root);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;
  await runStep('Building', npm('run', 'build', '--silent'));
  writeFileSync(stamp, sources);
}

/** Hashes contents, because a checkout changes the modification times. */
function hashSources(root) {
  const hash = createHash('sha256');
  for (const file of SOURCES.flatMap((name) => listFiles(root, name))) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

function listFiles(root, name) {
  if (name.includes('.')) return name.endsWith('.test.ts') ? [] : [name];
  const entries = readdirSync(join(root, name), { withFileTypes: true });
  return entries
    .flatMap((entry) => {
      const path = `${name}/${entry.name}`;
      if (entry.isDirectory()) return listFiles(root, path);
      return entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') ? [path] : [];
    })
    .sort();
}
